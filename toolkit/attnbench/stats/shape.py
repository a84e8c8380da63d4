"""Shapes of a measurement's times that no median tells of: trends, second modes, outliers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import gaussian_kde, kendalltau, theilslopes

from attnbench.stats.intervals import FEWEST

SURE = 0.01
"""A trend that chance alone would show less often; warnings that cry wolf are not read."""

_GRID = 256
_WIDTH = 0.7  # of the deviation; 0.9 suits one mode, and would hide two
_TRIM = 0.02
_VALLEY = 0.5
_LEAST_SHARE = 0.1
_FAR = 3.0
_ABOVE = 0.05


def drift(runs: Sequence[Sequence[int]]) -> float | None:
    """
    By what share the launches' medians changed from the first to the last; None is no trend.

    The slope is Theil and Sen's, and it is one if Mann and Kendall's test is surer than SURE.
    Sources: Mann 1945, "Nonparametric tests against trend"; Sen 1968, JASA 63.
    """
    logs = [math.log(statistics.median(run)) for run in runs]
    if len(logs) < FEWEST or kendalltau(range(len(logs)), logs).pvalue >= SURE:
        return None
    return math.expm1(float(theilslopes(logs).slope) * (len(logs) - 1))


@dataclass(frozen=True, slots=True)
class Modes:
    """Two times that inferences gather at, in ns, and the share of them at the slower one."""

    fast_ns: float
    slow_ns: float
    slow_share: float


def modes(runs: Sequence[Sequence[int]]) -> Modes | None:
    """
    The two modes of all times, or None if they have one.

    Two are told apart if between them the density falls below half of the lower one, and a tenth
    of all times is on either side. The density is that of a normal kernel as wide as suits as many
    times as there are launches, since times of one launch are alike.
    Source: Silverman 1981, "Using kernel density estimates to investigate multimodality", JRSS.
    """
    logs = np.sort(np.log([ns for run in runs for ns in run]))
    kept = logs[int(_TRIM * len(logs)) : len(logs) - int(_TRIM * len(logs))]
    if len(runs) < FEWEST or kept[0] == kept[-1]:
        return None
    grid = np.linspace(kept[0], kept[-1], _GRID)
    width = _WIDTH * len(runs) ** -0.2
    density = gaussian_kde(kept, bw_method=width)(grid)
    found = _deepest(density)
    if found is None:
        return None
    left, valley, right = found
    slow = float(np.mean(kept > grid[valley]))
    if not _LEAST_SHARE <= slow <= 1 - _LEAST_SHARE:
        return None
    return Modes(math.exp(grid[left]), math.exp(grid[right]), slow)


def _deepest(density: np.ndarray) -> tuple[int, int, int] | None:
    """The peaks to both sides of the valley that is deepest beside the lower of them, and it."""
    left = np.maximum.accumulate(density)
    right = np.maximum.accumulate(density[::-1])[::-1]
    depth = density / np.minimum(left, right)
    valley = int(np.argmin(depth))
    if depth[valley] >= _VALLEY:
        return None
    return int(np.argmax(density[:valley])), valley, valley + int(np.argmax(density[valley:]))


def outliers(runs: Sequence[Sequence[int]]) -> float:
    """
    The share of times that are far above the others of their launch.

    Far is beyond three interquartile ranges above the upper quartile, and 5 % above the median.
    Source: Tukey 1977, Exploratory Data Analysis, "far out" values.
    """
    far = 0
    for run in runs:
        low, middle, high = np.quantile(run, [0.25, 0.5, 0.75])
        fence = max(high + _FAR * (high - low), middle * (1 + _ABOVE))
        far += int(np.count_nonzero(np.asarray(run) > fence))
    return far / sum(map(len, runs))
