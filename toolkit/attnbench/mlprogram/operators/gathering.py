"""Parts of a tensor at places that another tensor tells."""

from __future__ import annotations

import torch
from torch import Tensor


def gather(
    *,
    x: Tensor,
    indices: Tensor,
    axis: int = 0,
    batch_dims: int = 0,
    validate_indices: bool = False,  # noqa: ARG001  (torch always does)
) -> Tensor:
    """gather: the slices of x along an axis that indices name, counted from the end below 0."""
    axis %= x.dim()
    if batch_dims:
        pairs = zip(x, indices, strict=True)
        return torch.stack(
            [gather(x=a, indices=b, axis=axis - 1, batch_dims=batch_dims - 1) for a, b in pairs]
        )
    found = x.index_select(axis, _counted(indices, x.shape[axis]).reshape(-1))
    return found.reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])


def gather_along_axis(
    *,
    x: Tensor,
    indices: Tensor,
    axis: int = 0,
    validate_indices: bool = False,  # noqa: ARG001  (torch always does)
) -> Tensor:
    """gather_along_axis: for each place of indices the element of x there, moved along an axis."""
    return torch.take_along_dim(x, _counted(indices, x.shape[axis]), axis)


def gather_nd(
    *,
    x: Tensor,
    indices: Tensor,
    batch_dims: int = 0,
    validate_indices: bool = False,  # noqa: ARG001  (torch always does)
) -> Tensor:
    """gather_nd: the slices of x at coordinates, which are along the last axis of indices."""
    if batch_dims:
        pairs = zip(x, indices, strict=True)
        return torch.stack([gather_nd(x=a, indices=b, batch_dims=batch_dims - 1) for a, b in pairs])
    return x[tuple(indices.long().unbind(-1))]


def topk(
    *,
    x: Tensor,
    k: int = 1,
    axis: int = -1,
    ascending: bool = False,
    sort: bool = True,
    return_indices: bool = True,
) -> Tensor | tuple[Tensor, Tensor]:
    """topk: the largest elements along an axis, or the smallest, and where they are."""
    values, indices = x.topk(k, axis, largest=not ascending, sorted=sort)
    return (values, indices) if return_indices else values


def argsort(*, x: Tensor, axis: int = -1, ascending: bool = False) -> Tensor:
    """argsort: where the elements are, in their order along an axis."""
    return x.argsort(dim=axis, descending=not ascending, stable=True)


def cumsum(*, x: Tensor, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Tensor:
    """cumsum: the sum up to each element, or up to the one before, from either end."""
    turned = x.flip(axis) if reverse else x
    summed = turned.cumsum(axis) - (turned if exclusive else 0)
    return summed.flip(axis) if reverse else summed


def _counted(indices: Tensor, side: int) -> Tensor:
    """Indices from the front."""
    whole = indices.long()
    return torch.where(whole < 0, whole + side, whole)
