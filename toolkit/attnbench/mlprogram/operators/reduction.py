"""Reductions along axes; without `axes` along all of them."""

from __future__ import annotations

import torch
from torch import Tensor

Ints = tuple[int, ...]


def reduce_mean(*, x: Tensor, axes: Ints | None = None, keep_dims: bool = False) -> Tensor:
    """reduce_mean: the mean."""
    return x.mean(_axes(x, axes), keepdim=keep_dims)


def reduce_sum(*, x: Tensor, axes: Ints | None = None, keep_dims: bool = False) -> Tensor:
    """reduce_sum: the sum."""
    return x.sum(_axes(x, axes), keepdim=keep_dims)


def reduce_max(*, x: Tensor, axes: Ints | None = None, keep_dims: bool = False) -> Tensor:
    """reduce_max: the largest element."""
    return x.amax(_axes(x, axes), keepdim=keep_dims)


def reduce_min(*, x: Tensor, axes: Ints | None = None, keep_dims: bool = False) -> Tensor:
    """reduce_min: the smallest element."""
    return x.amin(_axes(x, axes), keepdim=keep_dims)


def reduce_prod(*, x: Tensor, axes: Ints | None = None, keep_dims: bool = False) -> Tensor:
    """reduce_prod: the product."""
    for axis in _axes(x, axes):
        x = x.prod(axis, keepdim=True)
    return x if keep_dims else x.squeeze(_axes(x, axes))


def reduce_l1_norm(*, x: Tensor, axes: Ints | None = None, keep_dims: bool = False) -> Tensor:
    """reduce_l1_norm: the sum of magnitudes."""
    return x.abs().sum(_axes(x, axes), keepdim=keep_dims)


def reduce_l2_norm(*, x: Tensor, axes: Ints | None = None, keep_dims: bool = False) -> Tensor:
    """reduce_l2_norm: the root of the sum of squares."""
    return x.square().sum(_axes(x, axes), keepdim=keep_dims).sqrt()


def reduce_sum_square(*, x: Tensor, axes: Ints | None = None, keep_dims: bool = False) -> Tensor:
    """reduce_sum_square: the sum of squares."""
    return x.square().sum(_axes(x, axes), keepdim=keep_dims)


def reduce_log_sum(*, x: Tensor, axes: Ints | None = None, keep_dims: bool = False) -> Tensor:
    """reduce_log_sum: the logarithm of the sum."""
    return x.sum(_axes(x, axes), keepdim=keep_dims).log()


def reduce_log_sum_exp(*, x: Tensor, axes: Ints | None = None, keep_dims: bool = False) -> Tensor:
    """reduce_log_sum_exp: the logarithm of the sum of exponentials."""
    return torch.logsumexp(x, _axes(x, axes), keepdim=keep_dims)


def reduce_argmax(*, x: Tensor, axis: int = -1, keep_dims: bool = False) -> Tensor:
    """reduce_argmax: where the largest element is, the first of equal ones."""
    return x.argmax(axis, keepdim=keep_dims)


def reduce_argmin(*, x: Tensor, axis: int = -1, keep_dims: bool = False) -> Tensor:
    """reduce_argmin: where the smallest element is, the first of equal ones."""
    return x.argmin(axis, keepdim=keep_dims)


def _axes(x: Tensor, axes: Ints | None) -> Ints:
    return tuple(range(x.dim())) if axes is None else axes
