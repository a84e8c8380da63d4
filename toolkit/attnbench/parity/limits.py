"""
How far a converted model may be from PyTorch, and why.

float32: a converted graph adds the same numbers in another order, as float64 does. So PyTorch's
own float32-float64 distance d on an input says what reordering costs this model there, and the
limit is FACTOR x d, but never below FLOOR of the range, where rounding of the output itself rules.
d is the larger of two orders of its sums, channels first and last: one of them can be lucky.

    metric      limit in float32                                    because
    max_error   max(FACTOR * d, FLOOR), share of the output range   worst element
    snr         min(SNR of PyTorch's own - 20 log10 FACTOR, CEILING) the same rule in power
    cosine      1 - 10 ** (-snr limit / 10)                         what that SNR guarantees
    top1        equal, where the margin is over 2 * max_error limit a tie may fall either way
    max_abs     ABSOLUTE, only for outputs with no range            nothing to normalise by
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from attnbench.errors import BadOption

FACTOR = 16.0
"""Smallest power of two without a false alarm in 50 clean exports: benchmarks/parity_factor.py."""

FLOOR = 1e-6
"""Share of the range: about 8 units in the last place of a float32 as large as the range."""

CEILING_DB = 100.0
"""FLOOR as noise under a signal whose rms is a tenth of its range."""

ABSOLUTE = 1e-5
"""In the output's own unit, for constant outputs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How the limit of each metric follows from PyTorch's own distance; see the module."""

    factor: float
    floor: float
    ceiling_db: float
    absolute: float
    reason: str

    def max_error(self, own: float) -> float:
        """Largest share of the range, from PyTorch's own share `own`."""
        return max(self.factor * own, self.floor)

    def snr_db(self, own_db: float) -> float:
        """Smallest SNR in dB, from PyTorch's own."""
        return min(own_db - 20 * math.log10(self.factor), self.ceiling_db)

    def cosine(self, own_db: float) -> float:
        """Smallest cosine: what the smallest SNR guarantees."""
        return 1 - 10 ** (-self.snr_db(own_db) / 10)


_FLOAT32 = "sums in another order; no operator of the zoo is approximated in float32"

LIMITS: dict[tuple[str, str], Limits] = {
    (backend, "fp32"): Limits(FACTOR, FLOOR, CEILING_DB, ABSOLUTE, _FLOAT32)
    for backend in ("onnx", "tflite", "executorch", "coreml")
}


def limits_for(backend: str, precision: str) -> Limits:
    """The row for a backend and precision. Raises BadOption where there is none yet."""
    if (backend, precision) not in LIMITS:
        raise BadOption(f"no parity limits for {backend} in {precision}")
    return LIMITS[backend, precision]
