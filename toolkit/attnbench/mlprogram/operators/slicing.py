"""Parts of a tensor at places that are known beforehand."""

from __future__ import annotations

import torch
from torch import Tensor

Ints = tuple[int, ...]
Bools = tuple[bool, ...]


def slice_by_index(
    *,
    x: Tensor,
    begin: Ints,
    end: Ints,
    stride: Ints | None = None,
    begin_mask: Bools | None = None,
    end_mask: Bools | None = None,
    squeeze_mask: Bools | None = None,
) -> Tensor:
    """slice_by_index: x[begin:end:stride] along each axis; masked bounds are left out."""
    none = (False,) * x.dim()
    squeezed = squeeze_mask or none
    for axis in range(x.dim()):
        first = None if (begin_mask or none)[axis] else begin[axis]
        last = None if (end_mask or none)[axis] else end[axis]
        along = slice(first, last, stride[axis] if stride else 1)
        if squeezed[axis]:
            along = slice(begin[axis], begin[axis] + 1 or None)
        x = x.index_select(axis, torch.tensor(range(x.shape[axis])[along], dtype=torch.int64))
    return x.squeeze(tuple(axis for axis in range(x.dim()) if squeezed[axis]))


def slice_by_size(*, x: Tensor, begin: Ints, size: Ints) -> Tensor:
    """slice_by_size: so many elements from each begin; -1 is all that follow."""
    for axis, (first, count) in enumerate(zip(begin, size, strict=True)):
        at = first % x.shape[axis]
        x = x.narrow(axis, at, x.shape[axis] - at if count == -1 else count)
    return x
