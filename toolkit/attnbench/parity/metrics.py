"""Distances between two outputs, normalised so that a limit means the same for every model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from attnbench.records import Case

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Metric:
    """A distance that knows its unit and which way is good."""

    name: str
    unit: str
    better: Literal["lower", "higher"]
    of: Callable[[Array, Array], float]  # (reference, candidate), equal shapes

    def passes(self, value: float, limit: float) -> bool:
        """Whether `value` is at least as good as `limit`; a NaN never is."""
        return value <= limit if self.better == "lower" else value >= limit

    def case(self, name: str, value: float, limit: float) -> Case:
        """A value on the input of that name, held against its limit; NaN is stored as None."""
        shown = None if math.isnan(value) else value
        passed = self.passes(value, limit)
        return Case(name, self.name, self.unit, shown, limit, self.better, passed)


def span(reference: Array) -> float:
    """Largest minus smallest value of the reference, in its own unit."""
    return float(reference.max()) - float(reference.min())


def max_abs(reference: Array, candidate: Array) -> float:
    """Largest absolute difference, in the unit of the outputs."""
    return float(np.abs(_f64(reference) - _f64(candidate)).max())


def max_error(reference: Array, candidate: Array) -> float:
    """Largest absolute difference as a share of the reference's range."""
    width = span(reference)
    return max_abs(reference, candidate) / width if width else math.inf


def snr_db(reference: Array, candidate: Array) -> float:
    """Signal to noise ratio, 10 log10(sum r² / sum (r - c)²) dB; infinite when equal."""
    noise = float(np.square(_f64(reference) - _f64(candidate)).sum())
    signal = float(np.square(_f64(reference)).sum())
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal and math.isfinite(noise) else math.nan


def cosine(reference: Array, candidate: Array) -> float:
    """Cosine of the angle between the two, both flattened."""
    a, b = _f64(reference).ravel(), _f64(candidate).ravel()
    norms = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    return float(a @ b) / norms if norms else math.nan


def _f64(x: Array) -> NDArray[np.float64]:
    return np.asarray(x, np.float64)


MAX_ERROR = Metric("max_error", "of range", "lower", max_error)
MAX_ABS = Metric("max_abs", "", "lower", max_abs)
SNR = Metric("snr", "dB", "higher", snr_db)
COSINE = Metric("cosine", "", "higher", cosine)


def top1_margin(reference: Array) -> float:
    """
    By how much each row's largest value exceeds its second, as a share of the reference's range.

    Of a batch (N, classes) the least.
    """
    ordered, width = np.sort(_f64(reference), axis=-1), span(reference)
    if not width or ordered.shape[-1] < 2:
        return 0.0
    return float((ordered[..., -1] - ordered[..., -2]).min()) / width


def top1(reference: Array, candidate: Array) -> float:
    """Share of the rows that have their largest value at the same place in both."""
    return float(np.equal(np.argmax(reference, axis=-1), np.argmax(candidate, axis=-1)).mean())


TOP1 = Metric("top1", "", "higher", top1)
