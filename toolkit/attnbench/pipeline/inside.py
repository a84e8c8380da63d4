"""What goes through the modules of the reference, in float32 and in float64."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from attnbench.parity.cases import Expected
from attnbench.parity.metrics import Array

Inputs = Mapping[str, Sequence[Array]]


@dataclass(frozen=True, slots=True)
class Call:
    """What a module was called with, and what it returned; copies, for it may be overwritten."""

    args: Any
    kwargs: Any
    output: Any

    @property
    def tensors(self) -> list[Tensor]:
        """The float32 tensors that it was called with."""
        leaves = tree_leaves((self.args, self.kwargs))
        return [one for one in leaves if isinstance(one, Tensor) and one.dtype is torch.float32]


@dataclass(frozen=True, slots=True)
class Inside:
    """A module in float32 and float64, on named inputs."""

    single: nn.Module
    double: nn.Module
    inputs: Inputs

    @classmethod
    def of(cls, module: nn.Module, inputs: Inputs) -> Inside:
        """The module on these inputs; it is left as it is."""
        return cls(module, copy.deepcopy(module).double(), inputs)

    def shapes(self, paths: Iterable[str], folded: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """
        Of the outputs of the modules that run once, and return one tensor of numbers.

        What goes right into one of the `folded` modules is left out: it was computed away.
        """
        found: dict[str, list[Any]] = {path: [] for path in paths}
        gone: list[Any] = []
        with ExitStack() as hooks:
            for path, outputs in found.items():
                part = self.single.get_submodule(path)
                hook = part.register_forward_hook(lambda _m, _a, out, to=outputs: to.append(out))
                hooks.callback(hook.remove)
            for path in folded:
                part = self.single.get_submodule(path)
                hook = part.register_forward_pre_hook(lambda _m, args: gone.extend(args))
                hooks.callback(hook.remove)
            _forward(self.single, next(iter(self.inputs.values())), torch.float32)
        return {
            path: tuple(outputs[0].shape)
            for path, outputs in found.items()
            if len(outputs) == 1 and _is_number(outputs[0])
            if not any(outputs[0] is one for one in gone)
        }

    def outputs(self, path: str) -> tuple[Expected, ...]:
        """What a module returns on each input."""
        return tuple(
            Expected(
                name,
                (_array(_call(self.single, path, arrays, torch.float32).output),),
                (_array(_call(self.double, path, arrays, torch.float64).output),),
            )
            for name, arrays in self.inputs.items()
        )

    def calls(self, path: str) -> tuple[Call, ...]:
        """What a module is called with on each input, in float32."""
        arrays = self.inputs.values()
        return tuple(_call(self.single, path, one, torch.float32) for one in arrays)

    def alone(self, path: str, calls: Iterable[Call]) -> tuple[Expected, ...]:
        """What a module returns when it is called like that; in float64 on the same numbers."""
        part = self.double.get_submodule(path)
        with torch.inference_mode():
            exact = [part(*tree_map(_double, c.args), **tree_map(_double, c.kwargs)) for c in calls]
        return tuple(
            Expected(name, (_array(call.output),), (_array(double),))
            for name, call, double in zip(self.inputs, calls, exact, strict=True)
        )


def _call(module: nn.Module, path: str, arrays: Sequence[Array], dtype: torch.dtype) -> Call:
    """The one call of a part of a module."""
    seen: list[Call] = []

    def before(_: nn.Module, args: Any, kwargs: Any) -> None:
        seen.append(Call(tree_map(_copied, args), tree_map(_copied, kwargs), None))

    def after(_: nn.Module, _args: Any, _kwargs: Any, output: Any) -> None:
        seen.append(Call(seen[-1].args, seen[-1].kwargs, _copied(output)))

    part = module.get_submodule(path)
    with ExitStack() as hooks:
        hooks.callback(part.register_forward_pre_hook(before, with_kwargs=True).remove)
        hooks.callback(part.register_forward_hook(after, with_kwargs=True).remove)
        _forward(module, arrays, dtype)
    return seen[-1]


def _forward(module: nn.Module, arrays: Sequence[Array], dtype: torch.dtype) -> None:
    with torch.inference_mode():
        module(*(torch.from_numpy(array).to(dtype) for array in arrays))


def _is_number(output: object) -> bool:
    return isinstance(output, Tensor) and output.is_floating_point()


def _copied(one: object) -> object:
    return one.detach().clone() if isinstance(one, Tensor) else one


def _double(one: object) -> object:
    return one.double() if isinstance(one, Tensor) and one.is_floating_point() else one


def _array(tensor: object) -> Array:
    return cast("Tensor", tensor).numpy()
