"""Numbers of 8 bits, from floats and back: as iOS 17 has them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

STORED: Mapping[str, torch.dtype] = {"int8": torch.int8, "uint8": torch.uint8}
ZERO = torch.tensor(0)


def quantize(
    *,
    input: Tensor,  # noqa: A002  (MIL's own name)
    scale: Tensor,
    output_dtype: str,
    zero_point: Tensor = ZERO,
    axis: int = 0,
) -> Tensor:
    """quantize: the nearest step, an even one halfway, from the zero point on, as far as fits."""
    stored = STORED[output_dtype]
    steps = (input / _along(scale, axis, input)).round() + _along(zero_point, axis, input)
    return steps.clamp(torch.iinfo(stored).min, torch.iinfo(stored).max).to(stored)


def dequantize(
    *,
    input: Tensor,  # noqa: A002  (MIL's own name)
    scale: Tensor,
    zero_point: Tensor = ZERO,
    axis: int = 0,
) -> Tensor:
    """dequantize: scale * (stored - zero point)."""
    return _along(scale, axis, input) * (input.double() - _along(zero_point, axis, input))


def _along(vector: Tensor, axis: int, other: Tensor) -> Tensor:
    """One number for all of the other tensor, or one for each slice of an axis of it."""
    sides = [1] * other.dim()
    sides[axis] = -1
    return vector.double().reshape(sides)
