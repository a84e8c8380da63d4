"""When an experiment is large enough for an effect, told without looking at its result."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.stats.paired import blocks_for, replicate_spread

PILOT = 12
"""Blocks before the first look: fewer often take a lucky quarter of an hour for a quiet machine."""


def next_look(effect: float, blocks_ns: Sequence[Sequence[float]]) -> int:
    """
    How many blocks there have to be before the next look; no more than there are is enough.

    `blocks_ns` are the times so far, four launches each. What is wanted is as many as find `effect`
    (a share) with 80 % power, by the spread of launches of the same model: never by the difference
    of B and A, so that looking does not make false alarms (see `replicate_spread`). A spread from
    few blocks is rough, so that a step at most doubles them.
    Source: Wittes & Brittain 1990, "The role of internal pilot studies", Statistics in Medicine 9.
    """
    return min(2 * len(blocks_ns), blocks_for(effect, replicate_spread(blocks_ns)))
