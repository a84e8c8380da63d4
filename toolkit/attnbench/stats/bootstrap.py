"""Intervals from one series whose values depend on those before them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 500
"""Enough for an interval's ends to move by a tenth of its width from seed to seed."""


def stationary_interval(
    values: Sequence[float] | NDArray[Any],
    statistic: Callable[[NDArray[Any]], float],
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """
    The percentile interval of a statistic of a stationary series, by the stationary bootstrap.

    Series are put together from blocks of the series itself, of random lengths around
    `block_length`, so that neighbours stay neighbours.
    Source: Politis & Romano 1994, "The stationary bootstrap", JASA 89.
    """
    series = np.asarray(values, dtype=np.float64)
    draw, stop = np.random.default_rng(seed), 1 / block_length(series)
    found = [statistic(series[_indices(len(series), stop, draw)]) for _ in range(DRAWS)]
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _indices(n: int, stop: float, draw: np.random.Generator) -> NDArray[Any]:
    """Where to take values from: after the last, in a circle, or with chance `stop` anywhere."""
    fresh = draw.random(n) < stop
    fresh[0] = True
    starts = draw.integers(n, size=n)
    begun = np.flatnonzero(fresh)
    which = np.cumsum(fresh) - 1
    return np.asarray((starts[begun][which] + np.arange(n) - begun[which]) % n)


def block_length(values: Sequence[float] | NDArray[Any]) -> float:
    """
    The mean length of blocks for the stationary bootstrap; 1 for a series without dependence.

    Source: Politis & White 2004, "Automatic block-length selection for the dependent bootstrap",
    Econometric Reviews 23, as corrected by Patton, Politis & White 2009.
    """
    series = np.asarray(values, dtype=np.float64)
    n = len(series)
    covariances = _autocovariances(series - series.mean(), math.isqrt(n) + max(5, _reach(n)))
    if covariances[0] <= 0:
        return 1.0
    lags = 2 * _last_dependent(covariances / covariances[0], n)
    at = np.arange(1, min(lags, len(covariances) - 1) + 1)
    weights = np.clip(2 * (1 - at / max(lags, 1)), 0, 1)  # the flat-top window
    tail = weights * covariances[at]
    level = covariances[0] + 2 * float(tail.sum())
    slope = 2 * float((at * tail).sum())
    if level <= 0:
        return 1.0
    length = math.cbrt(n * (slope / level) ** 2)
    return max(1.0, min(length, 3 * math.sqrt(n), n / 3))


def _reach(n: int) -> int:
    """How many correlations in a row have to be small."""
    return math.ceil(math.sqrt(math.log10(n)))


def _autocovariances(centred: NDArray[Any], lags: int) -> NDArray[Any]:
    """From lag 0 on; by the Fourier transform, since a series may be long."""
    n = len(centred)
    power = np.abs(np.fft.rfft(centred, 2 * n)) ** 2
    return np.asarray(np.fft.irfft(power)[: min(lags, n - 1) + 1] / n)


def _last_dependent(correlations: NDArray[Any], n: int) -> int:
    """The last lag before several correlations in a row that are none."""
    small = np.abs(correlations[1:]) < 2 * math.sqrt(math.log10(n) / n)
    row = max(5, _reach(n))
    for lag in range(len(small) - row + 1):
        if small[lag : lag + row].all():
            return max(lag, 1)
    return len(small)
