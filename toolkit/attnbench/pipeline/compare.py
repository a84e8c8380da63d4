"""A pair of measurements -> comparison: how B differs from A, as a whole and in each block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from attnbench.attribution.places import Place
from attnbench.errors import BadOption
from attnbench.pipeline.bench import Measured
from attnbench.pipeline.trial import Interleaved, Pair
from attnbench.records import (
    INSTRUCTIONS,
    BlockRatio,
    BlockTime,
    Comparison,
    Finding,
    Measurement,
    Noise,
    Ratio,
    Rounds,
)
from attnbench.stats import paired
from attnbench.stats.many import discoveries
from attnbench.store import Run

LIMIT = 0.005
"""In instruction time: several times what counts vary by over boots (docs/emulation.md)."""

RESIDUAL = "(residual)"


def stored_pairs(a: Run, b: Run) -> tuple[Pair, ...]:
    """
    The pairs of two stored runs, by backend; what only one of them has is left out.

    Raises BadOption for real time, and if they are of different devices or have nothing in common.
    """
    theirs = {one.artifact.backend: one for one in b.measurements}
    found = [
        (one, theirs[one.artifact.backend])
        for one in a.measurements
        if one.artifact.backend in theirs
    ]
    if not found:
        raise BadOption("the two runs have no measurement of the same backend")
    for mine, other in found:
        for clock in (mine.clock, other.clock):
            _check_clock(clock, mine.device.name)
        if mine.device != other.device:
            raise BadOption(
                f"the runs are of different devices: {mine.device.name} ({mine.device.cpu}) "
                f"and {other.device.name} ({other.device.cpu})"
            )
    return tuple(Pair(Measured(mine), Measured(other)) for mine, other in found)


def _check_clock(clock: str, device: str) -> None:
    """Raise BadOption for a clock that a single pair would say nothing about."""
    if clock != INSTRUCTIONS:
        raise BadOption(
            "stored runs of real time did not take turns: what differs may be the hour",
            hint="measure both again, interleaved: `attnbench compare` with the two artifacts "
            f"instead, and --device {device}",
        )


def compare(pair: Pair, limit: float | None = None, noise: Noise | None = None) -> Comparison:
    """
    What a pair says of B against A, held against the limit; instruction time always has one.

    `noise` is what is known of the device already.
    """
    a, b, turns = pair.a.measurement, pair.b.measurement, pair.interleaved
    if limit is None and a.clock == INSTRUCTIONS:
        limit = LIMIT
    whole = _quotient(a.latency_ns.median, b.latency_ns.median)
    found = Comparison(
        a=a.artifact,
        b=b.artifact,
        device=a.device,
        clock=a.clock,
        engines=(f"{a.engine} {a.engine_version}", f"{b.engine} {b.engine_version}"),
        whole=whole,
        blocks=_blocks(a, b),
        limit=limit,
        measurements=(a, b),
        notes=tuple(_notes(a, b)),
    )
    if turns is None:
        return found
    notes = (*found.notes, *([] if noise is None else [_known(noise)]))
    return _tested(replace(found, notes=notes), pair, turns)


def _tested(found: Comparison, pair: Pair, turns: Interleaved) -> Comparison:
    """The same with what the launches' turns add: intervals, findings, and what they could find."""
    times_ns = turns.in_rounds(
        *([median(run) for run in one.measurement.runs] for one in (pair.a, pair.b))
    )
    whole = _ratio(times_ns, turns)
    spread, plan = paired.replicate_spread(times_ns), turns.plan
    rounds = Rounds(
        seed=plan.seed,
        orders=turns.orders,
        seconds=turns.seconds,
        detectable=paired.detectable(len(times_ns), max(spread, whole.spread)),
        asked=plan.detect,
        needed=None if plan.detect is None else paired.blocks_for(plan.detect, spread),
    )
    return replace(
        found,
        whole=_interval(found.whole, whole),
        blocks=None if found.blocks is None else _tested_blocks(found.blocks, pair, turns),
        finding=whole.finding,
        rounds=rounds,
    )


def _known(noise: Noise) -> str:
    times = ", ".join(
        f"{share * 100:.2g} % can be seen in {int(seconds) // 60} min"
        for seconds, share in noise.detectable.items()
    )
    return f"on this device {times} (`attnbench doctor --noise`, {noise.taken_at[:10]})"


def _ratio(times_ns: Sequence[Sequence[float]], turns: Interleaved) -> paired.Ratio:
    scores = [paired.score(*one) for one in zip(turns.orders, times_ns, strict=True)]
    return paired.ratio(scores)


def _interval(time: Ratio, found: paired.Ratio) -> Ratio:
    return replace(time, ratio=found.value, low=found.low, high=found.high)


def _tested_blocks(
    rows: Sequence[BlockRatio], pair: Pair, turns: Interleaved
) -> tuple[BlockRatio, ...]:
    """
    The same test for each block that takes time in every launch of both.

    Many blocks are tested at once, and some would seem to differ by chance: findings are those of
    Benjamini and Hochberg's rule (`stats.many.discoveries`), which lets one in twenty of them be
    false. Intervals are each block's own; one that is wide belongs to a block that is too small to
    be resolved at this effort.
    """
    made = [_with_launches(row, pair) for row in rows]
    tests = {
        at: _ratio(turns.in_rounds(row.a_launches_ns, row.b_launches_ns), turns)
        for at, row in enumerate(made)
        if min((*row.a_launches_ns, *row.b_launches_ns), default=0) > 0
        and len(row.a_launches_ns) == len(row.b_launches_ns)
    }
    believed = discoveries([test.p for test in tests.values()])
    for (at, test), sure in zip(tests.items(), believed, strict=True):
        finding = test.finding if sure else Finding.NOT_DISTINGUISHABLE
        made[at] = replace(made[at], time=_interval(made[at].time, test), finding=finding)
    return tuple(made)


def _with_launches(row: BlockRatio, pair: Pair) -> BlockRatio:
    return replace(
        row,
        a_launches_ns=_launches_ns(row.path, row.time.a_ns, pair.a),
        b_launches_ns=_launches_ns(row.path, row.time.b_ns, pair.b),
    )


def _launches_ns(path: str, ns: int | None, measured: Measured) -> tuple[int, ...]:
    """A block's time in each launch, to the nanosecond; () if the model has no such block."""
    if ns is None:
        return ()
    return tuple(round(_spent(path, one)) for one in measured.places_ns)


def _spent(path: str, places_ns: Mapping[Place, float]) -> float:
    if path == RESIDUAL:
        return sum(ns for place, ns in places_ns.items() if place.residual)
    return places_ns.get(Place(path), 0.0)


def _blocks(a: Measurement, b: Measurement) -> tuple[BlockRatio, ...] | None:
    """Every block of either, in B's order with what only A has behind it, and the residual."""
    if a.blocks is None or b.blocks is None or a.residual is None or b.residual is None:
        return None
    mine, theirs = ({one.path: one for one in blocks} for blocks in (a.blocks, b.blocks))
    rows = [
        BlockRatio(path, one.kind, _quotient(_ns(mine, path), _ns(theirs, path)))
        for path, one in (theirs | {k: v for k, v in mine.items() if k not in theirs}).items()
    ]
    residual = _quotient(a.residual.total, b.residual.total)
    return (*rows, BlockRatio(RESIDUAL, None, residual))


def _ns(blocks: Mapping[str, BlockTime], path: str) -> int | None:
    return blocks[path].ns if path in blocks else None


def _quotient(a_ns: int | None, b_ns: int | None) -> Ratio:
    return Ratio(a_ns, b_ns, b_ns / a_ns if a_ns and b_ns is not None else None)


def _notes(a: Measurement, b: Measurement) -> list[str]:
    notes = [
        f"{name}: no time per block: {m.refusal}" for name, m in (("A", a), ("B", b)) if m.refusal
    ]
    if a.libraries != b.libraries:
        engines = [f"{m.engine} {m.engine_version}" for m in (a, b)]
        notes.append(
            f"A ran in {engines[0]}, B in {engines[1]}, with different libraries: what moved may "
            "be the runtime"
        )
    if a.runner_sha256 != b.runner_sha256:
        notes.append("A and B ran with different runners")
    if a.threads != b.threads:
        notes.append(f"A ran on {a.threads} threads, B on {b.threads}")
    if a.cpus != b.cpus:
        notes.append(f"A ran on processors {list(a.cpus)}, B on {list(b.cpus)}")
    return notes
