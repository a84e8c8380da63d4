"""What the metrics of every task start from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attnbench.parity.metrics import Array, max_error, snr_db, span


@dataclass(frozen=True, slots=True)
class Margins:
    """
    How surely PyTorch labels each pixel.

    `of` (N, H, W) is by how much the largest logit exceeds the second, in float64, as a share of
    the logits' range; `own` is the float32-float64 distance of the logits, a share of it too.
    """

    of: Array
    own: float

    @classmethod
    def between(cls, single: Array, double: Array) -> Margins:
        """Of logits (N, K, H, W) in float32 and float64."""
        first = double.argmax(axis=1, keepdims=True)
        largest = np.take_along_axis(double, first, axis=1)
        others = double.copy()
        np.put_along_axis(others, first, -np.inf, axis=1)
        gap = (largest - others.max(axis=1, keepdims=True)).squeeze(1)
        return cls(gap / (span(double) or 1.0), max_error(double, single))


@dataclass(frozen=True, slots=True)
class Expected:
    """
    PyTorch's outputs for one named input, in float32 and in float64.

    Of an artifact of fewer bits both are computed with such numbers, rounded in two ways (see
    `pipeline/rounded.py`), and `plain` are the outputs in float32.

    `reordered` are those in float32 with the sums in another order, if there are any: a single
    order can be near to float64 by luck, and its distance then says too little. `margins` are
    those of outputs that are labels of pixels, if the model can tell them; `names` are the
    outputs' own, where they have any.
    """

    name: str
    single: tuple[Array, ...]
    double: tuple[Array, ...]
    margins: Margins | None = None
    names: tuple[str, ...] = ()
    reordered: tuple[Array, ...] = ()
    plain: tuple[Array, ...] = ()

    def own_error(self, at: int) -> float:
        """How far float32 is from float64 in one of the outputs, as a share of its range."""
        return max(max_error(self.double[at], one) for one in self.in_float32(at))

    def own_snr_db(self, at: int) -> float:
        """The same as a signal-to-noise ratio."""
        return min(snr_db(self.double[at], one) for one in self.in_float32(at))

    def in_float32(self, at: int) -> tuple[Array, ...]:
        """One of the outputs in each order of the sums that there is."""
        return (self.single[at], *self.reordered[at : at + 1])

    def of_output(self, at: int) -> str:
        """What cases on one of the outputs are called: `natural`, `natural[boxes]` of several."""
        if len(self.single) == 1:
            return self.name
        return f"{self.name}[{self.names[at] if self.names else at}]"
