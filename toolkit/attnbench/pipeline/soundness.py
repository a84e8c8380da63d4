"""Whether a model can be a reference: one that cannot would pass or fail for no reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from attnbench.errors import BadModel
from attnbench.rewrites.base import named_outputs

LONGEST = 200


def check_sound(module: nn.Module, example: Sequence[Tensor]) -> dict[str, Tensor]:
    """
    What the model returns, by name; BadModel if nothing can be held against it, and why.

    Weights that are no numbers, a part that stays in training mode, a result that is not made of
    tensors, is not the same twice, or is no number.
    """
    _check_weights(module)
    _check_mode(module)
    first = results_of(module, example)
    _check_numbers(module, example, first, "its example input")
    second = results_of(module, example)
    for name, once in first.items():
        apart = (once.double() - second[name].double()).abs().max().item() if once.numel() else 0.0
        if apart:
            raise BadModel(
                f"the model gives another result each time: {_named(name)} differs by {apart:.2g} "
                "between two runs on one input",
                hint="is a dropout left on (F.dropout without training=self.training), or does "
                "forward draw random numbers?",
            )
    return first


def results_of(module: nn.Module, arguments: Sequence[Tensor]) -> dict[str, Tensor]:
    """What the model returns, by name. Raises BadModel unless that is made of tensors."""
    try:
        with torch.inference_mode():
            result = module(*arguments)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        said = " ".join(str(error).split())[:LONGEST]
        raise BadModel(
            f"the model fails on {[tuple(one.shape) for one in arguments]}: {said}",
            hint="its method example_inputs() may return a tuple of what it takes",
        ) from error
    found = named_outputs(result)
    leaves = tree_leaves(result)
    if len(found) < len(leaves) or not found:
        odd = next((type(one).__name__ for one in leaves if not isinstance(one, Tensor)), "nothing")
        raise BadModel(
            f"the model returns {odd}, and only tensors can be compared",
            hint="tensors, and tuples, lists and dicts of them",
        )
    return found


def check_numbers(module: nn.Module, arguments: Sequence[Tensor], name: str) -> None:
    """Raise BadModel if the model makes of these inputs, called `name`, anything but numbers."""
    _check_numbers(module, arguments, results_of(module, arguments), f"the input {name}")


def _check_weights(module: nn.Module) -> None:
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            continue
        if tensor.dtype is not torch.float32:
            raise BadModel(
                f"{name} of the model is {str(tensor.dtype).removeprefix('torch.')}",
                hint="the reference is computed in float32: give the model as .float()",
            )
        wrong = int((~tensor.isfinite()).sum())
        if wrong:
            raise BadModel(
                f"{name} of the model is NaN or infinite in {wrong} of {tensor.numel()} values",
                hint="is the checkpoint whole, and did its training converge?",
            )


def _check_mode(module: nn.Module) -> None:
    training = [path or "the model" for path, part in module.named_modules() if part.training]
    if training:
        raise BadModel(
            f"{training[0]} stays in training mode after eval()",
            hint="its train(mode) has to hand `mode` on",
        )


def _check_numbers(
    module: nn.Module, arguments: Sequence[Tensor], outputs: dict[str, Tensor], what: str
) -> None:
    for name, tensor in outputs.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            where = _first_without_numbers(module, arguments)
            raise BadModel(
                f"{_named(name)} of the model is NaN or infinite on {what}",
                hint=f"it begins in {where}" if where else "",
            )


def _first_without_numbers(module: nn.Module, arguments: Sequence[Tensor]) -> str | None:
    """The first module that makes numbers into something else."""
    found: list[str] = []
    with _watching(module, found):
        results_of(module, arguments)
    return found[0] if found else None


@contextmanager
def _watching(module: nn.Module, found: list[str]) -> Iterator[None]:
    with ExitStack() as hooks:
        for path, part in module.named_modules():

            def note(part: nn.Module, given: object, made: object, path: str = path) -> None:
                if _finite(given) and not _finite(made):
                    found.append(path or type(part).__name__)

            hooks.callback(part.register_forward_hook(note).remove)
        yield


def _finite(value: object) -> bool:
    return all(bool(one.isfinite().all()) for one in tree_leaves(value) if isinstance(one, Tensor))


def _named(name: str) -> str:
    return f"output {name}" if name else "the output"
