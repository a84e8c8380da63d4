"""Where the warm-up of a process ends, told from its own times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

ALIKE = 0.02
"""Levels that differ by less are one: as much as blocks may miss the whole by."""

FEWEST = 20
"""Fewer times than this say nothing: four segments of the shortest length."""

MOST = 240
"""Longer series are judged by the medians of as many batches, which also depend on each other less;
the search takes a time that grows with the square of their number."""

_SHORTEST = 5
_PENALTY = 3.0
_CLIP = 3.0
_LEAST_NOISE = 1e-3
_MAD = 1.4826  # of a normal distribution: its deviation over its median absolute deviation


@dataclass(frozen=True, slots=True)
class Steady:
    """The index of the first time after warm-up, and whether the process then stayed as it was."""

    start: int
    settled: bool


def steady(times_ns: Sequence[int]) -> Steady | None:
    """
    Where warm-up ends in the successive times of one process; None if they are too few to say.

    The series is cut into segments of constant level: those that minimise the squared deviations of
    logarithms plus a penalty for each cut. The level of a part is the lower quartile of its
    segments' levels, each counted as often as it has times, since bursts of other work only add.
    Warm-up ends where the first segment begins that is at the level of the second half, to within
    ALIKE. A process has settled if that is in the first half, and the last third is at that level
    too. Single outliers are clipped beforehand.

    Sources: Jackson et al. 2005, "An algorithm for optimal partitioning of data on an interval",
    whose minimum PELT finds as well (Killick, Fearnhead & Eckley 2012); segments that differ by
    little are taken as one as in Barrett et al. 2017, "Virtual machine warmup blows hot and cold".
    """
    if len(times_ns) < FEWEST:
        return None
    size = math.ceil(len(times_ns) / MOST)
    batches = [times_ns[at : at + size] for at in range(0, len(times_ns), size)]
    logs = _without_outliers(np.log([float(np.median(one)) for one in batches]))
    starts = _segments(logs)
    levels = [float(np.mean(one)) for one in np.split(logs, starts[1:])]
    spread = np.repeat(levels, np.diff([*starts, len(logs)]))
    half = len(logs) // 2
    usual, last = _usual(spread[half:]), _usual(spread[-(len(logs) // 3) :])
    at_level = (start for start, one in zip(starts, levels, strict=True) if _alike(one, usual))
    first = next(at_level, len(logs))
    return Steady(first * size, first <= half and _alike(last, usual))


def _usual(levels: NDArray[Any]) -> float:
    return float(np.quantile(levels, 0.25, method="lower"))


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= math.log1p(ALIKE)


def _without_outliers(logs: NDArray[Any]) -> NDArray[Any]:
    """The same with what is far from its neighbours drawn up to them; steps stay."""
    around: NDArray[Any] = median_filter(logs, 5, mode="mirror")
    far = _CLIP * _noise(logs)
    return np.asarray(np.clip(logs, around - far, around + far))


def _noise(logs: NDArray[Any]) -> float:
    """The deviation from one time to the next, which levels and trends do not touch."""
    steps = np.diff(logs)
    deviation = _MAD * float(np.median(np.abs(steps - np.median(steps)))) / math.sqrt(2)
    return max(deviation, _LEAST_NOISE)


def _segments(values: NDArray[Any]) -> list[int]:
    """The first index of each segment of the cheapest partition."""
    n = len(values)
    sums, squares = (np.concatenate([[0.0], np.cumsum(values**power)]) for power in (1, 2))
    penalty = _PENALTY * math.log(n) * _noise(values) ** 2
    best = np.full(n + 1, np.inf)
    best[0] = -penalty
    before = np.zeros(n + 1, dtype=int)
    for end in range(_SHORTEST, n + 1):
        begin = np.arange(end - _SHORTEST + 1)
        spread = squares[end] - squares[begin] - (sums[end] - sums[begin]) ** 2 / (end - begin)
        cost = best[begin] + spread + penalty
        before[end] = int(np.argmin(cost))
        best[end] = cost[before[end]]
    starts, end = [], n
    while end:
        end = int(before[end])
        starts.append(end)
    return starts[::-1]
