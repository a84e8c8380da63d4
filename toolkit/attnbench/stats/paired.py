"""
Is B slower than A? From launches of both that took turns.

Launches go in blocks of four, A B B A or B A A B at random. A block's score is the mean logarithm
of B's times minus that of A's: whatever drifts steadily cancels inside of it, whatever is slower
than a block cancels between neighbours. If A and B are alike, exchanging the two letters of a block
changes nothing but the score's sign; so, given the scores' sizes, all signs are equally likely,
whatever the machine did meanwhile. That is what makes the test below exact under drift,
autocorrelation and steps of the clock frequency.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from attnbench.records import Finding

ORDERS = ("ABBA", "BAAB")
FEWEST_BLOCKS = 6
"""Fewer blocks can never decide at 95 %: 2 * 0.5**6 is the first below 5 %."""
MANY_BLOCKS = 200
"""From here on the discrete test rejects as often as it may, to within a hundredth of that."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """
    Time of B over time of A, with its interval.

    `spread` is what the estimate's logarithm would deviate by with a single block: over the root
    of the number of blocks, it is the standard error. `p` is two-sided, against a ratio of 1.
    """

    value: float
    low: float
    high: float
    spread: float
    blocks: int
    p: float

    @property
    def finding(self) -> Finding:
        """Slower or faster if the interval leaves 1 out."""
        if self.low > 1:
            return Finding.SLOWER
        return Finding.FASTER if self.high < 1 else Finding.NOT_DISTINGUISHABLE


def schedule(blocks: int, seed: int) -> tuple[str, ...]:
    """The order of each block's four launches, drawn at random."""
    draw = random.Random(seed)
    return tuple(draw.choice(ORDERS) for _ in range(blocks))


def score(order: str, times_ns: Sequence[float]) -> float:
    """One block's score: mean log time of its B launches minus that of its A launches."""
    logs: dict[str, list[float]] = {"A": [], "B": []}
    for letter, time in zip(order, times_ns, strict=True):
        logs[letter].append(math.log(time))
    return statistics.fmean(logs["B"]) - statistics.fmean(logs["A"])


def ratio(scores: Sequence[float], confidence: float = 0.95) -> Ratio:
    """
    The ratio of B to A from the blocks' scores, with the interval of the signed-rank test.

    The estimate is the median of all pairwise means of the scores, the interval's ends are those
    means that the test would just not reject. Raises ValueError with fewer than 6 blocks at 0.95.
    Source: Hodges & Lehmann 1963; Hollander, Wolfe & Chicken, Nonparametric Statistical Methods,
    3rd ed., sections 3.2 and 3.3.
    """
    n = len(scores)
    first, second = np.triu_indices(n)
    values = np.asarray(scores, dtype=np.float64)
    means = np.sort((values[first] + values[second]) / 2)
    rank = _rank(n, confidence)
    low, high = float(means[rank - 1]), float(means[-rank])
    return Ratio(
        value=math.exp(float(np.median(means))),
        low=math.exp(low),
        high=math.exp(high),
        spread=(high - low) / 2 / _normal(confidence) * math.sqrt(n),
        blocks=n,
        p=_p(means, n),
    )


def replicate_spread(blocks_ns: Sequence[Sequence[float]]) -> float:
    """
    The spread of a block's score, from launches of the same model only; four times a block.

    The second and third launch of a block are neighbours and of one letter, A B B A or B A A B: the
    logarithm of their ratio deviates by twice as much, in variance, as a score does, and knows
    nothing of B against A. So whoever stops by it does not look at the result, and the test's
    false alarms stay what they are: if A and B are alike, the times at each position are the same
    whatever the letters, and the letters are a coin's. The argument is that of blinded sample size
    re-estimation, Kieser & Friede 2003, "Simple procedures for blinded sample size adjustment that
    do not affect the type I error rate", Statistics in Medicine 22.
    """
    return ratio([math.log(times[2] / times[1]) / math.sqrt(2) for times in blocks_ns]).spread


def blocks_for(
    effect: float, spread: float, *, power: float = 0.8, confidence: float = 0.95
) -> int:
    """How many blocks find B / A = 1 + effect with this power; `spread` is a pilot's."""
    away = _normal(confidence) + statistics.NormalDist().inv_cdf(power)
    fewest = (away * spread / math.log1p(effect)) ** 2  # as if the spread were known exactly
    blocks = max(FEWEST_BLOCKS, math.floor(fewest))
    while detectable(blocks, spread, power=power, confidence=confidence) > effect:
        blocks = max(blocks + 1, blocks * 21 // 20)  # to within 5 %
    return blocks


def detectable(
    blocks: int, spread: float, *, power: float = 0.8, confidence: float = 0.95
) -> float:
    """
    The smallest effect that so many blocks find with this power.

    The interval's own width says how well the test does on this machine's noise, be it normal or
    not; it shrinks with the root of the number of blocks. Few blocks cost extra: their test is
    discrete, and rejects less often than it may. An approximation, for planning.
    """
    level = 2 * _tail(blocks, confidence)
    away = t.ppf(1 - level / 2, blocks - 1) + t.ppf(power, blocks - 1)
    return math.expm1(float(away) * spread / math.sqrt(blocks))


def _normal(confidence: float) -> float:
    """How many standard errors a two-sided interval reaches to each side."""
    return statistics.NormalDist().inv_cdf(1 - (1 - confidence) / 2)


def _p(means: NDArray[Any], n: int) -> float:
    """Twice the chance of a signed-rank sum as small as the smaller of the two; at most 1."""
    smaller = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    return min(1.0, 2 * float(_below(n)[smaller + 1]))


def _rank(n: int, confidence: float) -> int:
    """The largest k for which P(T < k) <= (1 - confidence) / 2, T the signed-rank sum."""
    rank = int(np.searchsorted(_below(n), (1 - confidence) / 2, side="right")) - 1
    if rank == 0:
        raise ValueError(f"{n} blocks are too few for a {confidence:.0%} interval")
    return rank


def _tail(n: int, confidence: float) -> float:
    """The chance of a false alarm to one side: what the discrete test has of what it may have."""
    if n >= MANY_BLOCKS:
        return (1 - confidence) / 2
    return float(_below(n)[_rank(n, confidence)])


@lru_cache(maxsize=64)
def _below(n: int) -> NDArray[Any]:
    """P(T < k) for k from 0 on. T is the sum of a random subset of 1..n, built up one by one."""
    chance = np.zeros(n * (n + 1) // 2 + 1)
    chance[0] = 1.0
    for size in range(1, n + 1):
        chance[size:] += chance[:-size].copy()
        chance /= 2
    return np.concatenate([[0.0], np.cumsum(chance)])
