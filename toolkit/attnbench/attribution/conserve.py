"""Exclusive block times that add up: from traces and their places to totals and closure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from attnbench.attribution.ledger import Ledger
from attnbench.attribution.operators import Spot, operator_times
from attnbench.attribution.places import Place
from attnbench.errors import AttributionError
from attnbench.records import Block, BlockTime, Launch, OperatorTime, Paired, Residual
from attnbench.stats import middle_half

CLOSES_WITHIN = 0.02
"""Blocks that miss the whole by more do not explain it."""


@dataclass(frozen=True, slots=True)
class Shares:
    """
    Time by place as a share of the paired plain inference; their sum is the closure.

    `by_spot` has the same share event by event.
    """

    by_place: Mapping[Place, float]
    overhead: float
    plain_ns: float
    traced_ns: float
    spots: tuple[Spot, ...] = ()
    by_spot: tuple[float, ...] = ()

    @property
    def closure(self) -> float:
        """Sum of all places over the plain time."""
        return sum(self.by_place.values())


def shares(ledgers: Sequence[Ledger], launch: Launch, spots: tuple[Spot, ...] = ()) -> Shares:
    """
    What one paired launch says.

    Each traced inference is divided by the plain one that ran just before it, so that drift of
    the clock cancels; of these pairs the middle half by closure is kept, so that bursts of other
    work, which hit one of the two, do not count. Totals of the kept pairs are divided, not
    averaged ratios, so shares still add up exactly.
    """
    if not len(ledgers) == len(launch.plain_ns) == len(launch.traced_ns):
        raise AttributionError(
            f"{launch.engine}: {len(ledgers)} traced inferences, {len(launch.plain_ns)} plain ones"
        )
    ratios = [one.total / plain for one, plain in zip(ledgers, launch.plain_ns, strict=True)]
    kept = middle_half(ratios)
    plain = sum(launch.plain_ns[i] for i in kept)
    spent: Counter[Place] = Counter()
    for i in kept:
        spent.update(ledgers[i].spent)
    return Shares(
        {place: ns / plain for place, ns in spent.items()},
        sum(ledgers[i].overhead_ns for i in kept) / plain,
        plain / len(kept),
        sum(launch.traced_ns[i] for i in kept) / len(kept),
        spots,
        tuple(sum(ledgers[i].own_ns[at] for i in kept) / plain for at in range(len(spots))),
    )


@dataclass(frozen=True, slots=True)
class Attribution:
    """Blocks and residual in ns that add up to closure x paired plain time."""

    blocks: tuple[BlockTime, ...]
    residual: Residual
    paired: Paired
    overhead_ns: int
    operators: tuple[OperatorTime, ...] = ()

    @property
    def closure(self) -> float:
        """(sum of blocks + sum of residual) / paired plain time."""
        total = sum(block.ns for block in self.blocks) + self.residual.total
        return total / self.paired.plain_ns


def combine(
    launches: Sequence[Shares], blocks: Sequence[Block], resolution_ns: int, iterations: int
) -> Attribution:
    """
    One attribution from several launches: the mean of the middle half of them by closure.

    A mean and not a median of each block, because only means of parts add up to the mean of the
    whole. Blocks come in the order given; those without an event have 0 ns.
    """
    kept = [launches[i] for i in middle_half([one.closure for one in launches])]
    plain_ns = round(fmean(one.plain_ns for one in kept))
    places = {place for one in kept for place in one.by_place}
    ns = {
        place: round(plain_ns * fmean(one.by_place.get(place, 0.0) for one in kept))
        for place in places
    }
    total = sum(ns.values()) or 1
    paired = Paired(
        plain_ns, round(fmean(one.traced_ns for one in kept)), len(launches), iterations
    )
    return Attribution(
        tuple(
            BlockTime(one.path, one.kind, spent, spent / total, resolution_ns)
            for one in blocks
            for spent in [ns.get(Place(one.path), 0)]
        ),
        Residual(**{place.residual: spent for place, spent in ns.items() if place.residual}),
        paired,
        round(plain_ns * fmean(one.overhead for one in kept)),
        operator_times([(one.spots, one.by_spot) for one in kept], plain_ns),
    )
