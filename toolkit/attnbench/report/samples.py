"""Raw samples for a chart: every inference at its place in time, and the conditions meanwhile."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from attnbench.records import Measurement, Reading

LOAD = "load"

MOST = 1500
"""More marks than this make a page slow; then only every k-th inference is drawn."""

INSIDE = 0.99
"""This share of the samples is inside of the frame; the rest is marked at its edge."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One inference; `at` is where it began, counted in launches."""

    at: float
    ns: int
    warmup: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of one condition, and when, counted in launches; `held` tells of throttling."""

    name: str
    at: tuple[float, ...]
    values: tuple[float, ...]
    held: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What of the times is drawn: up to `top_ns` at its place, from `low_ns` to `roof_ns`."""

    top_ns: int
    low_ns: float
    roof_ns: float


def samples(m: Measurement) -> list[Sample]:
    """Every inference in its order; launches are drawn equally wide, whatever they took."""
    return [one for at, _ in enumerate(m.runs) for one in _launch(m, at)]


def every(shown: Sequence[Sample]) -> int:
    """The k of every k-th sample that is drawn."""
    return math.ceil(len(shown) / MOST) or 1


def frame(shown: Sequence[Sample]) -> Frame:
    """A frame that outliers do not stretch."""
    counted = sorted(one.ns for one in shown if not one.warmup)
    top = counted[math.ceil(INSIDE * len(counted)) - 1]
    margin = max(0.01 * top, 0.1 * (top - counted[0]))
    return Frame(top, max(0.0, counted[0] - margin), top + margin)


def conditions(m: Measurement) -> tuple[Seen, ...]:
    """
    What readings tell, from before the first launch to after the last.

    A device is read after every process, those that trace or calibrate included; readings are
    spread evenly in their order.
    """
    seen, last = m.conditions, len(m.runs)
    readings = [one for one in (seen.before, *seen.during, seen.after) if one is not None]
    if not readings:  # the host: two readings of its load
        readings = [Reading(load=seen.load_before), Reading(load=seen.load_after)]
    told = {
        "temperature, °C": [one.temperature_c for one in readings],
        "clock, MHz": [_mhz(one, m.cpus) for one in readings],
        LOAD: [one.load for one in readings],
    }
    step = last / max(1, len(readings) - 1)
    held = [bool(one.throttled) for one in readings]
    return tuple(
        Seen(name, *zip(*known, strict=True))
        for name, values in told.items()
        if (
            known := [
                (at * step, value, hot)
                for at, (value, hot) in enumerate(zip(values, held, strict=True))
                if value is not None
            ]
        )
    )


def _launch(m: Measurement, at: int) -> Iterator[Sample]:
    warmup = m.warmup_runs[at] if at < len(m.warmup_runs) else ()
    times = (*warmup, *m.runs[at])
    for i, ns in enumerate(times):
        yield Sample(at + (i + 0.5) / len(times), ns, warmup=i < len(warmup))


def _mhz(reading: Reading, cpus: Sequence[int]) -> float | None:
    """The mean clock of the processors that were used."""
    found = [khz / 1e3 for cpu, khz in (reading.frequency_khz or {}).items() if int(cpu) in cpus]
    return fmean(found) if found else None
