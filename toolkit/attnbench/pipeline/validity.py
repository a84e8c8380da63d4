"""Whether a measurement can be trusted, by what it says itself; limits are in `reasons`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attnbench.pipeline import held
from attnbench.pipeline.reasons import REASONS, Doubt, beyond, validity
from attnbench.records import INSTRUCTIONS, Conditions, Measurement, Validity
from attnbench.stats.shape import drift, modes, outliers

SMALL_MODEL = (
    "profiling is a part of so small a model: take a larger --size, or trust the whole alone"
)


def judge(measurement: Measurement, expected: Mapping[str, str] | None = None) -> Validity:
    """
    Every reason for doubt as a warning with what to do; valid without any.

    `expected` are the digests of the runtime's shared objects, by name, where they are known. Where
    the clock counts instructions the state of the machine changes nothing, and is not judged.
    """
    m = measurement
    counted = m.clock == INSTRUCTIONS
    found = [*_binary(m, expected or {}), *_attribution(m, SMALL_MODEL if counted else "")]
    if not counted:
        found += [*_profiler(m), *_times(m), *_machine(m.conditions)]
        found += held.doubts(m.conditions, m.cpus)
    return validity(tuple(found))


def _binary(m: Measurement, expected: Mapping[str, str]) -> Iterator[Doubt]:
    others = [name for name, found in m.libraries.items() if expected.get(name, found) != found]
    if others:
        package = f"{m.engine} {m.engine_version}"
        yield Doubt("binary", f"{', '.join(others)}: not the file that {package} came with")


def _attribution(m: Measurement, step: str) -> Iterator[Doubt]:
    if m.refusal is not None:
        yield Doubt("refusal", f"no time per block: {m.refusal}")
    if m.closure is None or m.paired is None or m.residual is None:
        return
    if beyond("closure", abs(m.closure - 1)):
        yield Doubt(
            "closure",
            f"blocks and residual add up to {m.closure:.1%} of the paired plain time, beyond "
            f"±{REASONS['closure'].limit:.0%}",
            step,
        )
    lost = m.residual.unattributed / (m.closure * m.paired.plain_ns)
    if beyond("unattributed", lost):
        limit = REASONS["unattributed"].limit
        yield Doubt("unattributed", f"{lost:.1%} of the time has no owner, more than {limit:.1%}")


def _profiler(m: Measurement) -> Iterator[Doubt]:
    """What the profiler costs, and whether it sees blocks of the size that there are."""
    if m.paired is not None and m.profiler_overhead_ns is not None:
        share = m.profiler_overhead_ns / m.paired.plain_ns
        if beyond("overhead", share):
            yield Doubt("overhead", f"profiling adds {share:.0%} to an inference")
    small = [
        one.path
        for one in m.blocks or ()
        if one.kind == "attention" and one.ns and beyond("resolution", one.resolution_ns / one.ns)
    ]
    if small:
        shown = f"{small[0]} and {len(small) - 1} more" if len(small) > 1 else small[0]
        yield Doubt("resolution", f"{shown}: less time than the profiler's clock can tell")


def _times(m: Measurement) -> Iterator[Doubt]:
    """What the launches' times look like."""
    if beyond("unsettled", len(m.unsettled) / len(m.runs)):
        yield Doubt("unsettled", f"{len(m.unsettled)} of {len(m.runs)} launches did not settle")
    change = drift(m.runs)
    if change is not None and beyond("drift", abs(change)):
        yield Doubt("drift", f"times changed by {change:+.1%} from the first launch to the last")
    two = modes(m.runs)
    if two is not None and beyond("bimodal", two.slow_ns / two.fast_ns - 1):
        yield Doubt(
            "bimodal",
            f"inferences take {two.fast_ns / 1e6:.4g} or {two.slow_ns / 1e6:.4g} ms "
            f"({two.slow_share:.0%} of them), and little in between",
        )
    share = outliers(m.runs)
    if beyond("outliers", share):
        yield Doubt("outliers", f"{share:.0%} of the inferences took far longer than the others")


def _machine(conditions: Conditions) -> Iterator[Doubt]:
    others, load = conditions.competing_cores, conditions.load_before
    if others is not None and beyond("other processes", others):
        limit = REASONS["other processes"].limit
        seen = f"other processes used {others:.2f} cores meanwhile, more than {limit}"
        yield Doubt("other processes", seen)
    if others is None and load is not None and beyond("load", load / conditions.cores):
        yield Doubt("load", f"the load average was {load:.1f} before the first launch")
