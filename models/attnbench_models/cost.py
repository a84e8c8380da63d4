"""Parameters and multiply-accumulates, block by block."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from attnbench_models.modes import evaluating
from attnbench_models.paths import block_paths


@dataclass(frozen=True, slots=True)
class Cost:
    """
    What one path costs by itself: what the listed paths inside of it cost is theirs alone.

    `macs` counts multiply-accumulates of convolutions and matrix products for the given input;
    biases, normalisation, pooling, activations and elementwise products are not counted.
    """

    path: str
    kind: str
    parameters: int
    macs: int


def count(module: nn.Module, *example_inputs: Tensor) -> tuple[Cost, ...]:
    """
    Count each path of `block_paths`, in that order, then the total: path "", kind "total".

    The rows add up to the total unless the module owns parameters, or does work, outside of every
    listed path.
    """
    kinds = dict(block_paths(module))
    parameters = {path: _parameters(module.get_submodule(path)) for path in ("", *kinds)}
    macs = _macs(module, example_inputs)
    rows = [
        Cost(path, kind, _own(path, parameters, kinds), _own(path, macs, kinds))
        for path, kind in kinds.items()
    ]
    return (*rows, Cost("", "total", parameters[""], macs[""]))


def _parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _macs(module: nn.Module, example_inputs: tuple[Tensor, ...]) -> dict[str, int]:
    """Multiply-accumulates by module path, what is inside included; the whole is path ""."""
    with evaluating(module), FlopCounterMode(display=False) as counter:
        module(*example_inputs)
    root = type(module).__name__
    return {"": counter.get_total_flops() // 2} | {
        path.removeprefix(f"{root}."): sum(flops.values()) // 2
        for path, flops in counter.get_flop_counts().items()
        if path.startswith(f"{root}.")
    }


def _own(path: str, inclusive: dict[str, int], listed: Collection[str]) -> int:
    inner = [other for other in listed if _parent(other, listed) == path]
    return inclusive.get(path, 0) - sum(inclusive.get(other, 0) for other in inner)


def _parent(path: str, listed: Collection[str]) -> str:
    """The nearest listed path around it, or ""."""
    while path := path.rpartition(".")[0]:
        if path in listed:
            return path
    return ""
