"""Constants that are stored smaller than they are."""

from __future__ import annotations

import torch
from torch import Tensor

from attnbench.mlprogram.operators.quantisation import dequantize

Ints = tuple[int, ...]


def constexpr_cast(*, source_val: Tensor, output_dtype: str) -> Tensor:
    """constexpr_cast: stored in half precision."""
    return source_val.to({"fp32": torch.float32}[output_dtype])


def constexpr_affine_dequantize(
    *, quantized_data: Tensor, zero_point: Tensor, scale: Tensor, axis: int
) -> Tensor:
    """constexpr_affine_dequantize: scale * (stored - zero point), for each slice of an axis."""
    return dequantize(input=quantized_data, scale=scale, zero_point=zero_point, axis=axis)


def constexpr_lut_to_dense(*, indices: Tensor, lut: Tensor, shape: Ints) -> Tensor:
    """constexpr_lut_to_dense: indices of as few bits as the table needs, lowest bits first."""
    bits = (lut.numel() - 1).bit_length()
    count = torch.Size(shape).numel()
    each = _bits(indices)[: count * bits].reshape(count, bits)
    return lut[(each * 2 ** torch.arange(bits)).sum(1)].reshape(shape)


def constexpr_sparse_to_dense(*, nonzero_data: Tensor, mask: Tensor, shape: Ints) -> Tensor:
    """constexpr_sparse_to_dense: a bit for each element says whether it is stored, else it is 0."""
    kept = _bits(mask)[: torch.Size(shape).numel()].bool()
    made = torch.zeros(kept.shape, dtype=nonzero_data.dtype)
    made[kept] = nonzero_data
    return made.reshape(shape)


def _bits(stored: Tensor) -> Tensor:
    """The bits of each byte, the lowest one first."""
    return (stored.long().unsqueeze(-1) >> torch.arange(8) & 1).reshape(-1)
