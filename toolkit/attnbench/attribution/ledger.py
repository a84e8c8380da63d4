"""One traced inference as a ledger: every nanosecond at its place, less what profiling added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from attnbench.attribution.places import Located, Place
from attnbench.records import Event, Trace
from attnbench.stats import middle_half


@dataclass(frozen=True, slots=True)
class Profiler:
    """
    How an engine's profiler distorts what it measures.

    reads_clock   an operator's interval holds one reading of the clock, whose cost the trace tells
    gap_share     the profiler writes its record partly inside the operator's interval; this is
                  that part as a share of the gap between operators, where it writes the rest.
                  A property of its code, so it holds when the clock or other load changes.
    encloses      delegate and model events are reliable, so that what they take beyond their
                  operators is the runtime's own time
    """

    reads_clock: bool = False
    gap_share: float = 0.0
    encloses: bool = False


PROFILERS: Mapping[str, Profiler] = {
    "onnxruntime": Profiler(),  # its gap_share is calibrated, see attnbench.calibration
    "litert": Profiler(reads_clock=True),
    "executorch": Profiler(reads_clock=True, encloses=True),
}


@dataclass(frozen=True, slots=True)
class Ledger:
    """
    One inference's time by place, in ns, after correction; `overhead_ns` is what was subtracted.

    Nothing is dropped: the sum over `spent` plus the overhead is what the trace's events took.
    `own_ns` has the same time event by event, in the trace's order.
    """

    spent: Mapping[Place, float]
    overhead_ns: float
    own_ns: tuple[float, ...] = ()

    @property
    def total(self) -> float:
        """Sum over all places, in ns."""
        return sum(self.spent.values())


def ledgers(trace: Trace, located: Located, profiler: Profiler) -> list[Ledger]:
    """A ledger for every inference of the trace."""
    return [_ledger(trace, iteration, located.places, profiler) for iteration in trace.iterations]


def _ledger(
    trace: Trace, events: Sequence[Event], places: Sequence[Place], profiler: Profiler
) -> Ledger:
    levels = [trace.operators[event.operator].level for event in events]
    kernels = [event for event, level in zip(events, levels, strict=True) if level == "operator"]
    added = profiler.gap_share * mean_gap_ns(kernels)
    added += trace.clock_read_ns if profiler.reads_clock else 0
    own_ns: list[float] = []
    overhead = 0.0
    inside: list[tuple[int, int]] = []  # start and time of what no later event encloses yet
    for event, level in zip(events, levels, strict=True):
        own = taken = 0.0
        if level == "operator":
            taken = min(added, event.ns)
            own = event.ns - taken
            inside.append((event.start_ns, event.ns))
        elif profiler.encloses:
            within = sum(ns for start, ns in inside if start >= event.start_ns)
            inside = [one for one in inside if one[0] < event.start_ns]
            inside.append((event.start_ns, event.ns))
            own = max(0.0, event.ns - within)
            if level == "profiler":
                own, taken = 0.0, own
        own_ns.append(own)
        overhead += taken
    return Ledger(_by_place(places, own_ns), overhead, tuple(own_ns))


def _by_place(places: Sequence[Place], own_ns: Sequence[float]) -> Mapping[Place, float]:
    spent: dict[Place, float] = {}
    for place, ns in zip(places, own_ns, strict=True):
        spent[place] = spent.get(place, 0.0) + ns
    return spent


def mean_gap_ns(kernels: Sequence[Event]) -> float:
    """
    The mean time between one operator's end and the next one's start, in ns.

    Of the middle half of the gaps only: a gap in which the system ran something else is no cost
    of profiling.
    """
    gaps = [
        float(later.start_ns - earlier.start_ns - earlier.ns)
        for earlier, later in pairwise(kernels)
    ]
    return fmean(gaps[i] for i in middle_half(gaps)) if gaps else 0.0
