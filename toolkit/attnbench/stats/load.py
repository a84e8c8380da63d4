"""A long series of times under continuous load: how high, and where it is going."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnbench.records import Interval
from attnbench.stats.bootstrap import stationary_interval
from attnbench.stats.intervals import ninetieth

BINS = 100
"""Medians that the slope goes through: bursts of other work stay out, throttling does not."""

_MINUTE_NS = 60e9


def high(times_ns: Sequence[int]) -> Interval:
    """The 90th percentile with the interval of the stationary bootstrap."""
    low, top = stationary_interval(times_ns, lambda series: float(np.quantile(series, 0.9)))
    return Interval(*map(round, (ninetieth(times_ns), low, top)))


def slope(times_ns: Sequence[int]) -> tuple[float, float, float]:
    """
    By what share of itself a time changes per minute of load, and the ends of its 95 % interval.

    The load is taken to have no pauses. It is the median of all slopes between medians of bins, on
    logarithms. For the interval what the line leaves over is drawn again by the stationary
    bootstrap, since neighbours are alike. Raises ValueError for a single time.
    Source: Sen 1968, JASA 63, for the slope.
    """
    times = np.asarray(times_ns, dtype=np.float64)
    if len(times) < 2:
        raise ValueError("a slope needs two times")
    parts = np.array_split(times, min(BINS, len(times)))
    ends = np.cumsum([part.sum() for part in parts]) / _MINUTE_NS
    logs = np.log([float(np.median(part)) for part in parts])
    first, second = np.triu_indices(len(parts), 1)
    apart = ends[second] - ends[first]

    def steepness(values: NDArray[Any]) -> float:
        return float(np.median((values[second] - values[first]) / apart))

    found = steepness(logs)
    line = found * ends
    low, top = stationary_interval(logs - line, lambda left: steepness(line + left))
    return math.expm1(found), math.expm1(low), math.expm1(top)
