"""Normalisation by mean and variance, or by length."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

Ints = tuple[int, ...]


def batch_norm(
    *,
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    """batch_norm: by a mean and variance for each channel that are given."""
    return F.batch_norm(x, mean, variance, gamma, beta, eps=epsilon)


def instance_norm(
    *,
    x: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    """instance_norm: by the mean and variance of each channel of each image."""
    return F.instance_norm(x, weight=gamma, bias=beta, eps=epsilon)


def layer_norm(
    *,
    x: Tensor,
    axes: Ints | None = None,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    """layer_norm: by the mean and variance along axes, all unless given."""
    along = range(x.dim()) if axes is None else [axis % x.dim() for axis in axes]
    sides = [x.shape[axis] if axis in along else 1 for axis in range(x.dim())]
    centred = x - x.mean(tuple(along), keepdim=True)
    variance = centred.square().mean(tuple(along), keepdim=True)
    made = centred / (variance + epsilon).sqrt()
    made = made if gamma is None else made * gamma.reshape(sides)
    return made if beta is None else made + beta.reshape(sides)


def l2_norm(*, x: Tensor, epsilon: float = 1e-6) -> Tensor:
    """l2_norm: by the length along the last three axes."""
    return x / (x.square().sum((-3, -2, -1), keepdim=True) + epsilon).sqrt()
