"""Products of matrices."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

Tensors = tuple[Tensor, ...]


def linear(*, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """linear: x times the transposed weights (out, in), and the bias added."""
    return F.linear(x, weight, bias)


def matmul(*, x: Tensor, y: Tensor, transpose_x: bool = False, transpose_y: bool = False) -> Tensor:
    """matmul: x times y, as matrices along the last two axes."""
    return torch.matmul(x.mT if transpose_x else x, y.mT if transpose_y else y)


def einsum(*, values: Tensors, equation: str) -> Tensor:
    """einsum: sums of products after Einstein's convention."""
    return torch.einsum(equation, *values)
