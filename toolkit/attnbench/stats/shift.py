"""A median shift with its exact interval, from values that stand for a round each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from attnbench.stats.paired import ratio


@dataclass(frozen=True, slots=True)
class Shifted:
    """The estimate and its interval, in the unit of the values; `p` is two-sided, against 0."""

    value: float
    low: float
    high: float
    p: float


def shift(values: Sequence[float]) -> Shifted:
    """
    The Hodges-Lehmann estimate of what the values vary around, with the signed-rank interval.

    It is the test of `paired.ratio`, which takes logarithms of ratios, on plain differences; so
    they are brought to its scale and back. Raises ValueError with fewer than 6 values.
    """
    unit = max(map(abs, values), default=0.0) or 1.0
    found = ratio([one / unit for one in values])
    value, low, high = (unit * math.log(end) for end in (found.value, found.low, found.high))
    return Shifted(value, low, high, found.p)
