"""Summaries of the launches of one measurement, and how sure they are."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import binomtest

from attnbench.records import Interval

FEWEST = 6
"""Launches needed for a 95 % interval of the median: 2 * 0.5**6 is the first below 5 %."""


def median_interval(samples: Sequence[int], confidence: float = 0.95) -> Interval:
    """
    The median with its confidence interval, whatever the distribution; the unit of `samples`.

    The count of samples below the true median is Binomial(n, 1/2). So the k-th smallest and k-th
    largest sample bracket it, for the largest k that leaves at most (1 - confidence) / 2 in a tail.

    Raises ValueError when there are too few samples (fewer than 6 at 0.95).
    Source: David & Nagaraja, Order Statistics, 3rd ed., section 7.1.
    """
    ordered, n = sorted(samples), len(samples)
    rank, tail = 0, 0.5**n
    while tail <= (1 - confidence) / 2:
        rank += 1
        tail += math.comb(n, rank) / 2**n
    if rank == 0:
        raise ValueError(f"{n} samples are too few for a {confidence:.0%} interval of the median")
    return Interval(round(statistics.median(ordered)), ordered[rank - 1], ordered[n - rank])


def over_launches(
    runs: Sequence[Sequence[int]], of: Callable[[Sequence[int]], float] = statistics.median
) -> Interval:
    """
    The median over launches of a statistic, with an interval over launches, in the unit of `runs`.

    Iterations of one process share caches and a clock frequency and are not independent; launches
    are. So each launch counts as one number, its median unless told otherwise, however its
    iterations depend on each other. With fewer launches than FEWEST the interval is the whole
    range, which then covers less.
    Source: Kalibera & Jones 2013, "Rigorous benchmarking in reasonable time": replicate at the
    highest level that varies.
    """
    found = [round(of(run)) for run in runs]
    if len(found) < FEWEST:
        return Interval(round(statistics.median(found)), min(found), max(found))
    return median_interval(found)


def ninetieth(run: Sequence[int]) -> float:
    """The 90th percentile: nine inferences of ten take no longer."""
    return float(np.quantile(run, 0.9))


def least_of(runs: Sequence[Sequence[int]]) -> Interval:
    """The least of all samples, with their whole range: for counts that noise only adds to."""
    samples = [one for run in runs for one in run]
    return Interval(min(samples), min(samples), max(samples))


def share_interval(count: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The ends of the exact interval of a share of which `count` of `trials` are known.

    Source: Clopper & Pearson 1934.
    """
    found = binomtest(count, trials).proportion_ci(confidence, method="exact")
    return float(found.low), float(found.high)


def middle_half(values: Sequence[float]) -> list[int]:
    """Indices of the values between the quartiles, at least one; robust against bursts."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    cut = len(order) // 4
    return order[cut : len(order) - cut]
