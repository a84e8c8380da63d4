"""
How far a converted model may be from PyTorch, and why.

float32: a converted graph adds the same numbers in another order, as float64 does. So PyTorch's
own float32-float64 distance d on an input says what reordering costs this model there, and the
limit is FACTOR x d, but never below FLOOR of the range, where rounding of the output itself rules.
d is the larger of two orders of its sums, since one of them can be lucky: PyTorch's own, and one
with channels last and means that add one term after the other. PyTorch adds those pairwise,
LiteRT does not: on a flat image that alone made 37 times as much in a slice that subtracts.

    metric      limit in float32                                    because
    max_error   max(FACTOR * d, FLOOR), share of the output range   worst element
    snr         min(SNR of PyTorch's own - 20 log10 FACTOR, CEILING) the same rule in power
    cosine      1 - 10 ** (-snr limit / 10)                         what that SNR guarantees
    top1        equal, where the margin is over 2 * max_error limit a tie may fall either way
    max_abs     ABSOLUTE, only for outputs with no range            nothing to normalise by

fp16 and int8: the artifact is held to PyTorch with its numbers rounded to that precision, at the
same places, and d is what another rounding moves there: none at all in fp16; in int8 ranges that
are wider by WIDER, of which the larger distance counts. Rounding decides between two steps as it
comes, and what follows amplifies that, so the factor and the floor are the precision's: `ROUNDED`.
How far the precision itself is from float32 is no limit's business; a verdict tells it.
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


WIDER = (1.005, 1.1)
"""How much wider the ranges are of the 8-bit references that say what rounding may do."""

ROUNDED = {
    "fp16": (2.0, 2.0**-9, "stored as float16; the reference rounds what it stores alike"),
    "int8": (2.0, 2 / 255, "8-bit steps over the calibrated ranges, as in the reference"),
}
"""
Factor, floor and reason of each precision.

The factor is the smallest power of two without a false alarm on clean exports of slices whose
gates spread: none, se, cbam and coord in ONNX, TFLite and ExecuTorch, on ten inputs each. The floor
is two steps of an output as large as its range: one of float16, which has 11 bits, is 2**-11 to
2**-10 of the number; one of int8 is a 255th of the range.
"""

_FLOAT32 = "sums in another order; no operator of the zoo is approximated in float32"

BACKENDS = ("onnx", "tflite", "executorch", "coreml")

LIMITS: dict[tuple[str, str], Limits] = {
    (backend, "fp32"): Limits(FACTOR, FLOOR, CEILING_DB, ABSOLUTE, _FLOAT32) for backend in BACKENDS
} | {
    (backend, precision): Limits(factor, floor, 20 * math.log10(0.1 / floor), 10 * floor, reason)
    for precision, (factor, floor, reason) in ROUNDED.items()
    for backend in BACKENDS
}


def limits_for(backend: str, precision: str) -> Limits:
    """The row for a backend and precision. Raises BadOption where there is none yet."""
    if (backend, precision) not in LIMITS:
        raise BadOption(f"no parity limits for {backend} in {precision}")
    return LIMITS[backend, precision]
