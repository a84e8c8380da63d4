"""What goes through the modules of the reference, in float32 and in float64."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from attnbench.parity.cases import Expected
from attnbench.parity.metrics import Array
from attnbench.pipeline.reordered import channels_last, if_it_can, reordered

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

    def repeated(self, module: nn.Module, by: Callable[[object], object]) -> Tensor:
        """What another module returns, called with the same, each tensor changed."""
        made = module(*tree_map(by, self.args), **tree_map(by, self.kwargs))
        return cast("Tensor", made)


@dataclass(frozen=True, slots=True)
class Inside:
    """A module in float32, also with channels last, which adds in another order, and in float64."""

    single: nn.Module
    last: nn.Module
    double: nn.Module
    inputs: Inputs

    @classmethod
    def of(cls, module: nn.Module, inputs: Inputs) -> Inside:
        """The module on these inputs; it is left as it is."""
        return cls(module, reordered(module), copy.deepcopy(module).double(), inputs)

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
            _forward(self.single, map(torch.from_numpy, next(iter(self.inputs.values()))))
        return {
            path: tuple(outputs[0].shape)
            for path, outputs in found.items()
            if len(outputs) == 1 and _is_number(outputs[0])
            if not any(outputs[0] is one for one in gone)
        }

    def outputs(self, paths: Sequence[str]) -> Iterator[dict[str, Expected]]:
        """What the modules return on one input after the other, each in one forward."""
        for name, arrays in self.inputs.items():
            tensors = [*map(torch.from_numpy, arrays)]
            single = _outputs(self.single, paths, tensors)
            double = _outputs(self.double, paths, map(_double, tensors))
            moved = [*map(channels_last, tensors)]
            other = if_it_can(partial(_outputs, self.last, paths, moved))
            yield {path: _expected(name, path, single, double, other) for path in paths}

    def calls(self, path: str) -> tuple[Call, ...]:
        """What a module is called with on each input, in float32."""
        inputs = self.inputs.values()
        return tuple(_call(self.single, path, map(torch.from_numpy, one)) for one in inputs)

    def alone(self, path: str, calls: Iterable[Call]) -> tuple[Expected, ...]:
        """What a module returns when it is called like that; in float64 on the same numbers."""
        pairs = zip(self.inputs, calls, strict=True)
        return tuple(self._alone(name, path, call) for name, call in pairs)

    def _alone(self, name: str, path: str, call: Call) -> Expected:
        with torch.inference_mode():
            double = call.repeated(self.double.get_submodule(path), _double)
            last = self.last.get_submodule(path)
            other = if_it_can(lambda: {path: call.repeated(last, channels_last)})
        return _expected(name, path, {path: call.output}, {path: double}, other)


Outputs = Mapping[str, Tensor]


def _expected(name: str, path: str, single: Outputs, double: Outputs, other: Outputs) -> Expected:
    return Expected(
        name,
        (single[path].numpy(),),
        (double[path].numpy(),),
        reordered=(other[path].contiguous().numpy(),) if path in other else (),
    )


def _outputs(module: nn.Module, paths: Iterable[str], tensors: Iterable[object]) -> Outputs:
    """What parts of a module return in one forward."""
    found: dict[str, Tensor] = {}
    with ExitStack() as hooks:
        for path in paths:

            def keep(_m: nn.Module, _a: Any, output: Tensor, path: str = path) -> None:
                found[path] = output.detach().clone()

            part = module.get_submodule(path)
            hooks.callback(part.register_forward_hook(keep).remove)
        _forward(module, tensors)
    return found


def _call(module: nn.Module, path: str, tensors: Iterable[object]) -> Call:
    """The one call of a part of a module."""
    seen: list[Call] = []

    def before(_: nn.Module, args: Any, kwargs: Any) -> None:
        seen.append(Call(tree_map(_copied, args), tree_map(_copied, kwargs), None))

    def after(_: nn.Module, _args: Any, _kwargs: Any, output: Any) -> None:
        seen.append(replace(seen[-1], output=_copied(output)))

    part = module.get_submodule(path)
    with ExitStack() as hooks:
        hooks.callback(part.register_forward_pre_hook(before, with_kwargs=True).remove)
        hooks.callback(part.register_forward_hook(after, with_kwargs=True).remove)
        _forward(module, tensors)
    return seen[-1]


def _forward(module: nn.Module, tensors: Iterable[object]) -> None:
    with torch.inference_mode():
        module(*tensors)


def _is_number(output: object) -> bool:
    return isinstance(output, Tensor) and output.is_floating_point()


def _copied(one: object) -> object:
    return one.detach().clone() if isinstance(one, Tensor) else one


def _double(one: object) -> object:
    return one.double() if isinstance(one, Tensor) and one.is_floating_point() else one
