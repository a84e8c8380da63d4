"""
The operators of MIL, one function each, with the parameters' names and defaults of MIL.

After the definitions in coremltools 9.0, `converters/mil/mil/ops/defs`, iOS15 to iOS17. An
annotation says what an argument is handed in as: see `attnbench.mlprogram.evaluate`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType

from torch import Tensor

from attnbench.mlprogram.operators import (
    activation,
    binary,
    constexpr,
    convolution,
    gathering,
    normalisation,
    pooling,
    products,
    quantisation,
    reduction,
    resizing,
    shape,
    slicing,
    unary,
)

Made = Tensor | tuple[Tensor, ...]

FAMILIES = (
    activation,
    binary,
    constexpr,
    convolution,
    gathering,
    normalisation,
    pooling,
    products,
    quantisation,
    reduction,
    resizing,
    shape,
    slicing,
    unary,
)


def _named(family: ModuleType) -> dict[str, Callable[..., Made]]:
    """A family's functions by operator; `abs_` is `abs`, which Python has already."""
    return {
        name.rstrip("_"): function
        for name, function in vars(family).items()
        if inspect.isfunction(function)
        and function.__module__ == family.__name__
        and not name.startswith("_")
    }


OPERATORS: Mapping[str, Callable[..., Made]] = {
    name: function for family in FAMILIES for name, function in _named(family).items()
}
