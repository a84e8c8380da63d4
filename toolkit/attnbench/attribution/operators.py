"""Operators one by one: what each event of an inference takes, on the scale of the blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from attnbench.attribution.places import Located, Place, steady_operators
from attnbench.records import OperatorTime, Trace


@dataclass(frozen=True, slots=True)
class Spot:
    """An event that every inference has: the runtime's name for it, its kind, and its place."""

    name: str
    kind: str
    place: Place


def spots(trace: Trace, located: Located) -> tuple[Spot, ...]:
    """The events of an inference in the order of the trace."""
    ran = [trace.operators[i] for i in steady_operators(trace)]
    return tuple(
        Spot(operator.name, operator.kind, place)
        for operator, place in zip(ran, located.places, strict=True)
    )


def operator_times(
    launches: Sequence[tuple[Sequence[Spot], Sequence[float]]], plain_ns: int
) -> tuple[OperatorTime, ...]:
    """
    The mean over launches of each event's share, times `plain_ns`: as blocks get theirs.

    So a block's operators add up to the block, to rounding. An event that never takes anything,
    such as one that only encloses others, is left out. () where launches ran different operators;
    only names may differ, since ONNX Runtime makes some of them up anew each time.
    """
    ran = {tuple((spot.kind, spot.place) for spot in found) for found, _ in launches}
    if len(ran) != 1:
        return ()
    means = [fmean(shares) for shares in zip(*(shares for _, shares in launches), strict=True)]
    return tuple(
        OperatorTime(
            spot.name, spot.kind, spot.place.block, spot.place.residual, round(plain_ns * mean)
        )
        for spot, mean in zip(launches[0][0], means, strict=True)
        if mean
    )
