"""Whether a measurement can be trusted; each threshold has its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attnbench.attribution.conserve import CLOSES_WITHIN, Attribution
from attnbench.pipeline import held
from attnbench.records import INSTRUCTIONS, Conditions, Validity

UNATTRIBUTED = 0.015
"""More time without an owner than this could hide a small attention block."""

COMPETING_CORES = 0.25
"""Others that had a quarter of a core shared caches and clock with what was measured."""

LOAD_PER_CORE = 0.75
"""One-minute load before we began: others had most of the machine."""

BUSY_MACHINE = "measure again on a quiet machine, with more launches"
SMALL_MODEL = (
    "profiling is a part of so small a model: take a larger --size, or trust the whole alone"
)


def judge(
    attribution: Attribution | None,
    refusal: str | None,
    conditions: Conditions,
    *,
    clock: str = "monotonic",
    cpus: Sequence[int] = (),
) -> Validity:
    """
    Every reason for doubt as a warning with what to do; valid without any.

    `cpus` are the processors that the runner was allowed. Where the clock counts instructions, the
    state of the machine changes nothing, and is not judged.
    """
    counted = clock == INSTRUCTIONS
    remedy = SMALL_MODEL if counted else BUSY_MACHINE
    warnings = [*_attribution(attribution, refusal, remedy)]
    if not counted:
        warnings += [*_machine(conditions), *held.doubts(conditions, cpus)]
    return Validity(not warnings, tuple(warnings))


def _attribution(
    attribution: Attribution | None, refusal: str | None, remedy: str
) -> Iterator[str]:
    if refusal is not None:
        yield f"no time per block: {refusal}"
    if attribution is None:
        return
    if abs(attribution.closure - 1) > CLOSES_WITHIN:
        yield (
            f"blocks and residual add up to {attribution.closure:.1%} of the paired plain time, "
            f"beyond ±{CLOSES_WITHIN:.0%}: {remedy}"
        )
    total = attribution.closure * attribution.paired.plain_ns
    if attribution.residual.unattributed > UNATTRIBUTED * total:
        yield (
            f"{attribution.residual.unattributed / total:.1%} of the time has no owner, more "
            f"than {UNATTRIBUTED:.1%}: blocks may be larger than shown"
        )


def _machine(conditions: Conditions) -> Iterator[str]:
    others = conditions.competing_cores
    if others is not None and others > COMPETING_CORES:
        yield (
            f"other processes used {others:.2f} cores meanwhile, more than {COMPETING_CORES}: "
            "stop them and measure again"
        )
    load = conditions.load_before
    if others is None and load is not None and load > LOAD_PER_CORE * conditions.cores:
        yield f"the load average was {load:.1f} before the first launch: wait, and measure again"
