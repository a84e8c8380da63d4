"""Faults of the reference itself: an attention block fades away, or one of its weights is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from attnbench.parity.metrics import Array
from attnbench.rewrites.base import named_outputs
from attnbench_models.paths import block_paths

MOST = 1 + 1e-5
"""The largest gate, with its rounding."""


def gates(module: nn.Module, arrays: Sequence[Array]) -> tuple[str, ...]:
    """
    The paths of the outermost modules that gate: what a model of the user's own has for attention.

    A gate is made of modules with weights, keeps the shape of the one tensor that it takes, and
    returns a share of each of its numbers on these inputs, from none to all.
    """
    found: dict[str, bool] = {}
    with ExitStack() as hooks:
        for path, part in module.named_modules():
            if path and any(True for child in part.children() for _ in child.parameters()):

                def note(_: nn.Module, args: Any, output: Any, path: str = path) -> None:
                    found[path] = found.get(path, True) and _shares(args, output)

                hooks.callback(part.register_forward_hook(note).remove)
        run(module, arrays)
    paths = {path for path, gating in found.items() if gating}
    return tuple(
        path
        for path, _ in module.named_modules()
        if path in paths and not any(path.startswith(f"{one}.") for one in paths)
    )


def attention(module: nn.Module, arrays: Sequence[Array], globs: Sequence[str]) -> tuple[str, ...]:
    """The paths of the attention blocks: those that are known as such, or else what gates."""
    known = tuple(path for path, kind in block_paths(module, globs) if kind == "attention")
    return known or gates(module, arrays)


@contextmanager
def faded(part: nn.Module, share: float, scale: Tensor | float = 1.0) -> Iterator[None]:
    """
    Let a part return its output, moved by that share of the way to what it takes, times a scale.

    A part that joins several tensors takes their sum.
    """
    taken: list[Tensor] = []

    def before(_: nn.Module, args: Any, kwargs: Any) -> None:
        taken.append(_sum(args, kwargs).mul_(scale))

    def after(_: nn.Module, _args: Any, output: Tensor) -> Tensor:
        return torch.lerp(output, taken.pop(), share)

    with ExitStack() as hooks:
        hooks.callback(part.register_forward_pre_hook(before, with_kwargs=True).remove)
        hooks.callback(part.register_forward_hook(after).remove)
        yield


def flat(module: nn.Module, path: str, inputs: Iterable[Sequence[Array]]) -> Tensor:
    """
    The fixed number per channel by which a part multiplies what it takes, at best.

    Least squares over all of these inputs: (1, C, 1, 1), for tensors (N, C, H, W).
    """
    products: list[Tensor] = []
    squares: list[Tensor] = []

    def before(_: nn.Module, args: Any, kwargs: Any) -> None:
        squares.append(_sum(args, kwargs))

    def after(_: nn.Module, _args: Any, output: Tensor) -> None:
        products.append(_per_channel(squares[-1] * output))
        squares[-1] = _per_channel(squares[-1].square())

    part = module.get_submodule(path)
    with ExitStack() as hooks:
        hooks.callback(part.register_forward_pre_hook(before, with_kwargs=True).remove)
        hooks.callback(part.register_forward_hook(after).remove)
        for arrays in inputs:
            run(module, arrays)
    product, square = sum(products), sum(squares)
    assert isinstance(product, Tensor)  # of at least one input
    assert isinstance(square, Tensor)
    return torch.where(square > 0, product / square, 1.0)


@contextmanager
def doubled(weight: nn.Parameter) -> Iterator[None]:
    """Let a weight be twice what it is, or one where all of it is zero."""
    before = weight.detach().clone()
    with torch.no_grad():
        weight.copy_(2 * before if before.any() else torch.ones_like(before))
    try:
        yield
    finally:
        with torch.no_grad():
            weight.copy_(before)


def removable(module: nn.Module, arrays: Sequence[Array], paths: Sequence[str]) -> set[str]:
    """Those of the parts that return one tensor of the shape of each that they take."""
    found: dict[str, bool] = {}
    with ExitStack() as hooks:
        for path in paths:

            def note(_: nn.Module, args: Any, kwargs: Any, output: Any, path: str = path) -> None:
                shapes = {tuple(one.shape) for one in _tensors(args, kwargs)}
                keeps = isinstance(output, Tensor) and shapes == {tuple(output.shape)}
                found[path] = found.get(path, True) and keeps

            part = module.get_submodule(path)
            hooks.callback(part.register_forward_hook(note, with_kwargs=True).remove)
        run(module, arrays)
    return {path for path, keeps in found.items() if keeps}


def run(module: nn.Module, arrays: Sequence[Array]) -> tuple[Array, ...]:
    """What the module returns."""
    with torch.inference_mode():
        made = named_outputs(module(*map(torch.from_numpy, arrays)))
    return tuple(one.numpy() for one in made.values())


def _sum(args: Any, kwargs: Any) -> Tensor:
    """What a part is called with, added up: a copy."""
    total, *others = _tensors(args, kwargs)
    total = total.clone()
    for one in others:
        total += one
    return total


def _per_channel(x: Tensor) -> Tensor:
    return x.sum([at for at in range(x.ndim) if at != 1], keepdim=True)


def _tensors(args: Any, kwargs: Any) -> list[Tensor]:
    return [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]


def _shares(args: Any, output: Any) -> bool:
    if len(args) != 1 or not (isinstance(args[0], Tensor) and isinstance(output, Tensor)):
        return False
    (x,) = args
    if x.shape != output.shape or x.ndim < 2 or torch.equal(x, output):
        return False
    return bool(((output * x >= 0) & (output.abs() <= MOST * x.abs())).all())
