"""Operators of one tensor, element by element."""

from __future__ import annotations

import torch
from torch import Tensor

from attnbench.mlprogram.types import TYPES

CASTS = {
    "bool": "BOOL",
    "fp16": "FLOAT16",
    "fp32": "FLOAT32",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "uint8": "UINT8",
    "uint16": "UINT16",
}
"""`dtype` of cast, and the data type that it means."""


def abs_(*, x: Tensor) -> Tensor:
    """abs: |x|."""
    return x.abs()


def ceil(*, x: Tensor) -> Tensor:
    """ceil: up to a whole number."""
    return x.ceil()


def floor(*, x: Tensor) -> Tensor:
    """floor: down to a whole number."""
    return x.floor()


def round_(*, x: Tensor) -> Tensor:
    """round: to the nearest whole number, halves to the even one."""
    return x.round()


def sign(*, x: Tensor) -> Tensor:
    """sign: -1, 0 or 1."""
    return x.sign()


def sqrt(*, x: Tensor) -> Tensor:
    """sqrt: the square root."""
    return x.sqrt()


def square(*, x: Tensor) -> Tensor:
    """square: x * x."""
    return x.square()


def exp(*, x: Tensor) -> Tensor:
    """exp: e to the power of x."""
    return x.exp()


def exp2(*, x: Tensor) -> Tensor:
    """exp2: 2 to the power of x."""
    return x.exp2()


def erf(*, x: Tensor) -> Tensor:
    """erf: the Gauss error function."""
    return x.erf()


def sin(*, x: Tensor) -> Tensor:
    """sin: the sine of radians."""
    return x.sin()


def cos(*, x: Tensor) -> Tensor:
    """cos: the cosine of radians."""
    return x.cos()


def tanh(*, x: Tensor) -> Tensor:
    """tanh: the hyperbolic tangent."""
    return x.tanh()


def inverse(*, x: Tensor, epsilon: float = 1e-4) -> Tensor:
    """inverse: 1 / (x + epsilon)."""
    return (x + epsilon).reciprocal()


def log(*, x: Tensor, epsilon: float = 1e-45) -> Tensor:
    """log: the natural logarithm of x + epsilon."""
    return (x + epsilon).log()


def rsqrt(*, x: Tensor, epsilon: float = 1e-12) -> Tensor:
    """rsqrt: 1 / the square root of x + epsilon."""
    return (x + epsilon).rsqrt()


def clip(*, x: Tensor, alpha: float, beta: float) -> Tensor:
    """clip: x, but no less than alpha and no more than beta."""
    return x.clamp(alpha, beta)


def threshold(*, x: Tensor, alpha: Tensor) -> Tensor:
    """threshold: x, but no less than alpha."""
    return torch.maximum(x, alpha)


def logical_not(*, x: Tensor) -> Tensor:
    """logical_not: whether not."""
    return x.logical_not()


def identity(*, x: Tensor) -> Tensor:
    """identity: x."""
    return x


def cast(*, x: Tensor, dtype: str) -> Tensor:
    """cast: x in another type; floats lose their fraction on the way to integers."""
    return x.to(TYPES[CASTS[dtype]].torch)
