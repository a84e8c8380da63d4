"""
What attention costs, by ablation and by attribution; where the two part, what else has changed.

Ablation: the model with attention less the one without, launches in turn. Attribution: the sum of
the attention blocks' exclusive times. They are found in launches of different kinds, untraced and
traced; what they must agree on is the time of the attention alone. Without it the rest of the model
may be fused or laid out otherwise: that is in the ablation, and in no attention block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import get_args

from attnbench.attribution.places import Place, ResidualKey
from attnbench.errors import RunnerError
from attnbench.pipeline.bench import Measured
from attnbench.pipeline.ceiling import FP32, ceiling, on_roof
from attnbench.pipeline.compare import LIMIT, compare
from attnbench.pipeline.footprint import footprints
from attnbench.pipeline.noise import known_noise
from attnbench.pipeline.trial import Experiment, Pair
from attnbench.progress import Progress, stepping
from attnbench.records import Comparison, Measurement
from attnbench.records.costs import AttentionCost, BlockCost, Ceiling, Estimate, Footprint, Shift
from attnbench.stats.many import discoveries
from attnbench.stats.shift import Shifted, shift

RESIDUALS: tuple[ResidualKey, ...] = get_args(ResidualKey)


def measure_cost(one: Experiment, progress: Progress, *, peaks: bool) -> AttentionCost:
    """
    Run an experiment whose A is B without attention, and say what the attention costs.

    Without `peaks` there is no roofline.
    """
    pair = one.run(progress)
    with stepping(progress, "footprints in PyTorch"):
        facts = footprints(one.a.artifact)[-1], footprints(one.b.artifact)
    found = attention_cost(pair, compare(pair, None, known_noise(one.device.identity())), *facts)
    try:
        return roofed(found, _ceiling(one, found.comparison, progress, peaks=peaks))
    except RunnerError as error:
        return replace(found, no_ceiling=str(error))


def _ceiling(one: Experiment, found: Comparison, progress: Progress, *, peaks: bool) -> Ceiling:
    """Of the device as B used it. Raises RunnerError with the reason why there is none."""
    measurement = found.measurements[1]
    if not peaks:
        raise RunnerError("not asked for")
    if found.b.recipe.precision != FP32:
        raise RunnerError(f"the kernels are in float32, the model is in {found.b.recipe.precision}")
    return ceiling(one.device, one.b.effort, measurement.cpus, measurement.engine, progress)


def attention_cost(
    pair: Pair, comparison: Comparison, without: Footprint, footprint: Sequence[Footprint]
) -> AttentionCost:
    """
    What a pair of measurements says; `footprint` is of the blocks of B, then of B as a whole.

    In instruction time one pair says all: there are no intervals, and the two ways agree if they
    differ by no more than counts may.
    """
    plain = _differences(*(_latencies(one, pair) for one in (pair.a, pair.b)))
    found = AttentionCost(comparison, _estimate(plain), (without, footprint[-1]))
    a, b = pair.a.measurement, pair.b.measurement
    if a.blocks is None or b.blocks is None:
        return found
    seen = _Seen(_by_place(pair.a, pair), _by_place(pair.b, pair))
    attention = {
        Place(one.path) for m in (a, b) for one in m.blocks or () if one.kind == "attention"
    }
    attributed = seen.change(attention)
    gap = _differences(attributed, plain)
    rest = _differences(seen.change(seen.places - attention), gap)
    return replace(
        found,
        attribution=_estimate(attributed),
        gap=_estimate(gap),
        agree=_includes_zero(_estimate(gap), a),
        rest=_estimate(rest),
        blocks=_blocks(b, seen, footprint),
        shifts=_shifts(pair, seen, attention),
    )


def roofed(found: AttentionCost, peaks: Ceiling) -> AttentionCost:
    """The same with every block's place on the roof."""
    blocks = []
    for one in found.blocks:
        roof_ns, bound = on_roof(one.footprint, peaks) if one.footprint else (None, None)
        blocks.append(replace(one, roof_ns=roof_ns, bound=bound))
    return replace(found, blocks=tuple(blocks), ceiling=peaks)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Time by place in A and in B, one mapping a round."""

    a: Sequence[Mapping[Place, float]]
    b: Sequence[Mapping[Place, float]]

    @property
    def places(self) -> set[Place]:
        return {place for one in (*self.a, *self.b) for place in one}

    def change(self, places: set[Place]) -> list[float]:
        """B less A of these places together, a round each."""
        sums = ([_total(one, places) for one in rounds] for rounds in (self.a, self.b))
        return _differences(*sums)


def _blocks(b: Measurement, seen: _Seen, footprint: Sequence[Footprint]) -> tuple[BlockCost, ...]:
    known = {one.path: one for one in footprint[:-1]}
    return tuple(
        BlockCost(
            one.path,
            one.kind,
            _estimate([_total(places, {Place(one.path)}) for places in seen.b]),
            known.get(one.path),
        )
        for one in b.blocks or ()
    )


def _shifts(pair: Pair, seen: _Seen, attention: set[Place]) -> tuple[Shift, ...]:
    """Everything that is no attention, in the model's order; the changes that are no chance."""
    a, b = pair.a.measurement, pair.b.measurement
    paths = dict.fromkeys(one.path for m in (b, a) for one in m.blocks or ())
    places = [Place(path) for path in paths if Place(path) not in attention]
    places += [one for one in sorted(seen.places, key=_residual_order) if one.residual]
    changes = [seen.change({place}) for place in places]
    tests = [_tested(one) for one in changes]
    believed = discoveries([one.p if one else 1.0 for one in tests])
    return tuple(
        Shift(
            place.block if place.block is not None else str(place.residual),
            place.residual is not None,
            _estimate(change),
            sure if test else abs(change[0]) > LIMIT * a.latency_ns.median,
            _more(place, a, b),
        )
        for place, change, test, sure in zip(places, changes, tests, believed, strict=True)
    )


def _residual_order(place: Place) -> int:
    return RESIDUALS.index(place.residual) if place.residual else -1


def _more(place: Place, a: Measurement, b: Measurement) -> dict[str, int]:
    """The kinds of operators of which B has more at a place, or fewer."""
    counts = []
    for one in (a, b):
        spot = place.block, place.residual
        here = (op.kind for op in one.operators if (op.block, op.residual) == spot)
        counts.append(Counter(here))
    kinds = sorted(counts[0].keys() | counts[1].keys())
    return {kind: more for kind in kinds if (more := counts[1][kind] - counts[0][kind])}


def _latencies(one: Measured, pair: Pair) -> list[float]:
    if pair.interleaved is None:
        return [float(one.measurement.latency_ns.median)]
    return _by_round([float(median(run)) for run in one.measurement.runs])


def _by_place(one: Measured, pair: Pair) -> list[Mapping[Place, float]]:
    """The mean of a round's two launches; in instruction time the measurement itself."""
    if pair.interleaved is None:
        return [_recorded(one.measurement)]
    twos = zip(one.places_ns[::2], one.places_ns[1::2], strict=True)
    return [
        {place: fmean((x.get(place, 0.0), y.get(place, 0.0))) for place in x.keys() | y.keys()}
        for x, y in twos
    ]


def _recorded(m: Measurement) -> Mapping[Place, float]:
    assert m.residual is not None  # it comes with the blocks
    blocks = {Place(one.path): float(one.ns) for one in m.blocks or ()}
    return blocks | {Place(None, key): float(getattr(m.residual, key)) for key in RESIDUALS}


def _by_round(values: Sequence[float]) -> list[float]:
    """Each round has two launches of either model."""
    return [fmean(two) for two in zip(values[::2], values[1::2], strict=True)]


def _differences(a: Sequence[float], b: Sequence[float]) -> list[float]:
    return [theirs - mine for mine, theirs in zip(a, b, strict=True)]


def _total(places: Mapping[Place, float], wanted: set[Place]) -> float:
    return sum(ns for place, ns in places.items() if place in wanted)


def _tested(values: Sequence[float]) -> Shifted | None:
    return shift(values) if len(values) > 1 else None


def _estimate(values: Sequence[float]) -> Estimate:
    """With an interval over rounds; a single value, in instruction time, has none."""
    found = _tested(values)
    if found is None:
        return Estimate(round(values[0]))
    return Estimate(*map(round, (found.value, found.low, found.high)))


def _includes_zero(gap: Estimate, a: Measurement) -> bool:
    if gap.low_ns is None or gap.high_ns is None:
        return abs(gap.ns) <= LIMIT * a.latency_ns.median
    return gap.low_ns <= 0 <= gap.high_ns
