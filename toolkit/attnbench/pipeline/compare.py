"""
A against B: an experiment that gives pairs of measurements, an estimate from them, a verdict.

So far for instruction time only, where one pair says all: the same code counts the same each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attnbench.devices import Device
from attnbench.errors import BadOption
from attnbench.pipeline.effort import Effort
from attnbench.pipeline.profile import profile
from attnbench.progress import Progress
from attnbench.records import (
    INSTRUCTIONS,
    Artifact,
    BlockRatio,
    BlockTime,
    Comparison,
    Measurement,
    Ratio,
)
from attnbench.store import Run

LIMIT = 0.005
"""Several times what counts vary by over boots (docs/emulation.md): code, not chance."""

RESIDUAL = "(residual)"


@dataclass(frozen=True, slots=True)
class Pair:
    """Neighbours in time."""

    a: Measurement
    b: Measurement


@dataclass(frozen=True, slots=True)
class Experiment:
    """Two artifacts, where they are measured, and how much of each."""

    a: Artifact
    b: Artifact
    device: Device
    effort: Effort

    def pairs(self, progress: Progress) -> tuple[Pair, ...]:
        """Measure; one pair, since a count neither drifts nor depends on the order."""
        check_clock(self.device.clock)
        a, b = (profile(one, self.device, self.effort, progress) for one in (self.a, self.b))
        return (Pair(a, b),)


def check_clock(clock: str) -> None:
    """Raise BadOption for a clock that a single pair would say nothing about."""
    if clock != INSTRUCTIONS:
        raise BadOption(
            "an interleaved comparison of latencies is planned, and not built yet",
            hint="instruction time can be compared: `attnbench emulate rpi5 up --time instructions`"
            ", then --device rpi5-emulated",
        )


def stored_pairs(a: Run, b: Run) -> tuple[tuple[Pair, ...], ...]:
    """
    The pairs of two stored runs, by backend; what only one of them has is left out.

    Raises BadOption if they are of different devices, or have nothing in common.
    """
    theirs = {one.artifact.backend: one for one in b.measurements}
    found = [
        Pair(one, theirs[one.artifact.backend])
        for one in a.measurements
        if one.artifact.backend in theirs
    ]
    if not found:
        raise BadOption("the two runs have no measurement of the same backend")
    for pair in found:
        check_clock(pair.a.clock)
        check_clock(pair.b.clock)
        if pair.a.device != pair.b.device:
            raise BadOption(
                f"the runs are of different devices: {pair.a.device.name} ({pair.a.device.cpu}) "
                f"and {pair.b.device.name} ({pair.b.device.cpu})"
            )
    return tuple((pair,) for pair in found)


def compare(pairs: Sequence[Pair], limit: float = LIMIT) -> Comparison:
    """What pairs say of B against A, held against the limit."""
    (pair,) = pairs  # more of them, and an interval, come with latencies
    a, b = pair.a, pair.b
    return Comparison(
        a=a.artifact,
        b=b.artifact,
        device=a.device,
        clock=a.clock,
        engines=(f"{a.engine} {a.engine_version}", f"{b.engine} {b.engine_version}"),
        whole=_ratio(a.latency_ns.median, b.latency_ns.median),
        blocks=_blocks(a, b),
        limit=limit,
        notes=tuple(_notes(a, b)),
    )


def _blocks(a: Measurement, b: Measurement) -> tuple[BlockRatio, ...] | None:
    """Every block of either, in B's order with what only A has behind it, and the residual."""
    if a.blocks is None or b.blocks is None or a.residual is None or b.residual is None:
        return None
    mine, theirs = ({one.path: one for one in blocks} for blocks in (a.blocks, b.blocks))
    rows = [
        BlockRatio(path, one.kind, _ratio(_ns(mine, path), _ns(theirs, path)))
        for path, one in (theirs | {k: v for k, v in mine.items() if k not in theirs}).items()
    ]
    residual = _ratio(a.residual.total, b.residual.total)
    return (*rows, BlockRatio(RESIDUAL, None, residual))


def _ns(blocks: dict[str, BlockTime], path: str) -> int | None:
    return blocks[path].ns if path in blocks else None


def _ratio(a_ns: int | None, b_ns: int | None) -> Ratio:
    return Ratio(a_ns, b_ns, b_ns / a_ns if a_ns and b_ns is not None else None)


def _notes(a: Measurement, b: Measurement) -> list[str]:
    notes = [
        f"{name}: no time per block: {m.refusal}" for name, m in (("A", a), ("B", b)) if m.refusal
    ]
    if a.libraries != b.libraries:
        notes.append("A and B ran with different libraries: what moved may be the runtime")
    if a.runner_sha256 != b.runner_sha256:
        notes.append("A and B ran with different runners")
    if a.cpus != b.cpus:
        notes.append(f"A ran on processors {list(a.cpus)}, B on {list(b.cpus)}")
    return notes
