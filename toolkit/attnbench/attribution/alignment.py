"""
Order-preserving alignment of two sequences, with proof.

A delegate reports kernels in the order of the graph that it was given, but names them after its
own implementation, fuses some operators away and inserts others. Which kernel came from which
operator is then a matching problem. We do not pick a best matching: we compute, for every event,
all sources that it could have in any complete matching. Where they agree on the block, the block
is proved; where they do not, the event has no owner; where no matching exists, we refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Candidates:
    """What an event could be: indices of sources, and whether it may have been `inserted`."""

    sources: tuple[int, ...]
    inserted: bool


def align(
    compatible: NDArray[np.bool_], droppable: Sequence[bool], insertable: Sequence[bool]
) -> list[Candidates] | None:
    """
    All that each event can be over all complete order-preserving matchings; None if there is none.

    `compatible[i, j]` says whether event i can come from source j, `droppable[j]` that source j
    may have no event (fused away), `insertable[i]` that event i may have no source.
    """
    prefix = _reachable(compatible, droppable, insertable)
    suffix = _reachable(compatible[::-1, ::-1], droppable[::-1], insertable[::-1])[::-1, ::-1]
    events, sources = compatible.shape
    if not prefix[events, sources]:
        return None
    matched = compatible & prefix[:-1, :-1] & suffix[1:, 1:]
    inserted = np.asarray(insertable, bool) & (prefix[:-1] & suffix[1:]).any(axis=1)
    return [
        Candidates(tuple(int(j) for j in np.flatnonzero(row)), bool(alone))
        for row, alone in zip(matched, inserted, strict=True)
    ]


def _reachable(
    compatible: NDArray[np.bool_], droppable: Sequence[bool], insertable: Sequence[bool]
) -> NDArray[np.bool_]:
    """[i, j]: the first i events can be explained by the first j sources, none left over."""
    events, sources = compatible.shape
    reach = np.zeros((events + 1, sources + 1), bool)
    for i in range(events + 1):
        if i == 0:
            reach[0, 0] = True
        else:
            reach[i, 1:] = reach[i - 1, :-1] & compatible[i - 1]
            if insertable[i - 1]:
                reach[i] |= reach[i - 1]
        for j in range(sources):
            if droppable[j] and reach[i, j]:
                reach[i, j + 1] = True
    return reach


def agreed(
    candidates: Sequence[Candidates], owner: Callable[[int], T], if_inserted: T
) -> list[T | None]:
    """What all candidates of each event agree on, or None where they do not."""
    result: list[T | None] = []
    for one in candidates:
        owners = {owner(source) for source in one.sources}
        if one.inserted:
            owners.add(if_inserted)
        result.append(owners.pop() if len(owners) == 1 else None)
    return result
