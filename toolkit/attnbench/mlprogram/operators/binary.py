"""Operators of two tensors, element by element, with broadcasting."""

from __future__ import annotations

import torch
from torch import Tensor


def add(*, x: Tensor, y: Tensor) -> Tensor:
    """add: x + y."""
    return x + y


def sub(*, x: Tensor, y: Tensor) -> Tensor:
    """sub: x - y."""
    return x - y


def mul(*, x: Tensor, y: Tensor) -> Tensor:
    """mul: x * y."""
    return x * y


def real_div(*, x: Tensor, y: Tensor) -> Tensor:
    """real_div: x / y; of integers an integer, the fraction cut off."""
    return torch.div(x, y, rounding_mode=None if x.dtype.is_floating_point else "trunc")


def floor_div(*, x: Tensor, y: Tensor) -> Tensor:
    """floor_div: the largest whole number that is not above x / y."""
    return torch.div(x, y, rounding_mode="floor")


def mod(*, x: Tensor, y: Tensor) -> Tensor:
    """mod: what floor_div leaves over, with the sign of y."""
    return torch.remainder(x, y)


def pow_(*, x: Tensor, y: Tensor) -> Tensor:
    """pow: x to the power of y."""
    return torch.pow(x, y)


def maximum(*, x: Tensor, y: Tensor) -> Tensor:
    """maximum: the larger one."""
    return torch.maximum(x, y)


def minimum(*, x: Tensor, y: Tensor) -> Tensor:
    """minimum: the smaller one."""
    return torch.minimum(x, y)


def equal(*, x: Tensor, y: Tensor) -> Tensor:
    """equal: whether x = y."""
    return torch.eq(x, y)


def not_equal(*, x: Tensor, y: Tensor) -> Tensor:
    """not_equal: whether x and y differ."""
    return torch.ne(x, y)


def greater(*, x: Tensor, y: Tensor) -> Tensor:
    """greater: whether x > y."""
    return torch.gt(x, y)


def greater_equal(*, x: Tensor, y: Tensor) -> Tensor:
    """greater_equal: whether x >= y."""
    return torch.ge(x, y)


def less(*, x: Tensor, y: Tensor) -> Tensor:
    """less: whether x < y."""
    return torch.lt(x, y)


def less_equal(*, x: Tensor, y: Tensor) -> Tensor:
    """less_equal: whether x <= y."""
    return torch.le(x, y)


def logical_and(*, x: Tensor, y: Tensor) -> Tensor:
    """logical_and: whether both."""
    return torch.logical_and(x, y)


def logical_or(*, x: Tensor, y: Tensor) -> Tensor:
    """logical_or: whether any."""
    return torch.logical_or(x, y)


def logical_xor(*, x: Tensor, y: Tensor) -> Tensor:
    """logical_xor: whether one alone."""
    return torch.logical_xor(x, y)


def select(*, cond: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """select: a where cond is true, else b."""
    return torch.where(cond, a, b)
