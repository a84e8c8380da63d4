"""
The reference with its numbers rounded as a runtime of fewer bits rounds them, in PyTorch.

Operators compute in float32 on rounded weights, and what they return is rounded. So the simulation
shares no code with a converter or a runtime, and says what the precision itself costs.

    fp16  weights and, where the runtime computes in it, activations to the nearest float16
    int8  weights symmetrically by output channel, -127 to 127; activations by tensor, 0 to 255 over
          the range that calibration saw, 0 included
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import getitem
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.fx import Interpreter

from attnbench.records import is_inside
from attnbench.rewrites.base import path_of

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

Ranges = Mapping[str, tuple[float, float]]
"""Least and largest value of each of the graph's values, by its name."""

aten = torch.ops.aten

WEIGHTED: Mapping[object, int] = {
    aten.conv2d.default: 0,
    aten.conv2d.padding: 0,
    aten.convolution.default: 0,
    aten.linear.default: 0,
    aten.conv_transpose2d.input: 1,
}
"""Operators whose second argument has weights, and which of its axes is the output channel."""

MOVING = frozenset(
    {
        "view",
        "reshape",
        "flatten",
        "permute",
        "transpose",
        "t",
        "slice",
        "select",
        "expand",
        "squeeze",
        "unsqueeze",
        "split",
        "split_with_sizes",
        "chunk",
        "contiguous",
        "clone",
        "dropout",
        "alias",
        "detach",
        "unbind",
        "numpy_T",
    }
)
"""Operators that only move numbers, which were rounded before."""

CLAMPS = frozenset(
    {"relu", "relu_", "relu6", "relu6_", "hardtanh", "hardtanh_", "clamp", "clamp_", "clamp_min"}
)
"""Activations that runtimes compute in the operator before, whose output is never rounded."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """
    Which numbers are rounded, and how: a precision, the ranges that int8 needs, and where.

    `everywhere` but in the modules of `keep_float`; or in the module `only`, with all else in
    float32. Operators of the names in `exact` return float32 all the same.
    """

    precision: str
    ranges: Ranges
    activations: bool = True
    keep_float: tuple[str, ...] = ()
    only: str | None = None
    exact: frozenset[str] = frozenset()

    def wider(self, by: float) -> Rounding:
        """The same with all ranges wider by a factor."""
        return replace(self, ranges={k: (by * a, by * b) for k, (a, b) in self.ranges.items()})

    def at(self, node: Node) -> bool:
        """Whether an operator computes with rounded numbers."""
        if self._keeps(node):
            return False
        return self.only is None or is_inside(_module(node), self.only)

    def stores(self, node: Node) -> bool:
        """Whether what it returns is rounded; of one that is kept in float32, by its readers."""
        if not (self.activations and is_rounded(node)) or _word(node) in self.exact:
            return False
        return self.at(node) or (self._keeps(node) and any(map(self.at, _readers(node))))

    def _keeps(self, node: Node) -> bool:
        return any(is_inside(_module(node), one) for one in self.keep_float)

    def weight(self, value: Tensor, axis: int) -> Tensor:
        """Weights, rounded."""
        if self.precision == "fp16":
            return value.half().float()
        others = [at for at in range(value.dim()) if at != axis]
        step = value.abs().amax(others, keepdim=True).clamp_min(1e-12) / 127
        return (value / step).round() * step

    def activation(self, name: str, value: Tensor) -> Tensor:
        """What the operator of that name returns, rounded."""
        if self.precision == "fp16":
            return value.half().float()
        low, high = self.ranges[name]
        step = (high - low) / 255 or 1.0
        zero = round(-low / step)
        return ((value / step).round() + zero).clamp(0, 255).sub(zero).mul(step)


class Simulation(Interpreter):
    """A program that computes with rounded numbers; what `watched` operators return is kept."""

    def __init__(
        self, program: GraphModule, rounding: Rounding, watched: Collection[str] = ()
    ) -> None:
        super().__init__(program)
        self.rounding = rounding
        self.watched = watched
        self.seen: dict[str, Tensor] = {}

    def run_node(self, n: Node) -> Any:
        """One operator, rounded."""
        made = super().run_node(n)
        if self.rounding.stores(n):
            made = self.rounding.activation(n.name, made)
        if n.name in self.watched:
            self.seen[n.name] = made.clone()  # what follows may write into it
        return made

    def fetch_args_kwargs_from_env(self, n: Node) -> Any:
        """What an operator is called with, its weights rounded."""
        args, kwargs = super().fetch_args_kwargs_from_env(n)
        if n.target in WEIGHTED and self.rounding.at(n):
            weight = self.rounding.weight(args[1], WEIGHTED[n.target])
            args = (args[0], weight, *args[2:])
        return args, kwargs


class Observer(Interpreter):
    """A program that notes between which numbers its values lie."""

    def __init__(self, program: GraphModule) -> None:
        super().__init__(program)
        self.ranges: dict[str, tuple[float, float]] = {}

    def run_node(self, n: Node) -> Any:
        """One operator, looked at."""
        made = super().run_node(n)
        if is_rounded(n):
            low, high = self.ranges.get(n.name, (0.0, 0.0))
            self.ranges[n.name] = (min(low, float(made.min())), max(high, float(made.max())))
        return made


def ranges_of(program: GraphModule, samples: Iterable[Sequence[Tensor]]) -> Ranges:
    """The ranges of a program's values on some inputs, 0 always in them."""
    observer = Observer(program)
    with torch.inference_mode():
        for sample in samples:
            observer.run(*sample)
    return observer.ranges


def is_rounded(node: Node) -> bool:
    """Whether a runtime stores what an operator returns: a tensor of floats, made anew."""
    value = node.meta.get("val")
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return False
    if node.op != "call_function":
        return node.op == "placeholder"
    makes = node.all_input_nodes[0] if node.target is getitem else node
    return _word(makes) not in MOVING and [_word(user) in CLAMPS for user in node.users] != [True]


def _word(node: Node) -> str:
    """An operator's name without its library and overload: `hardtanh`."""
    return str(node.target).removeprefix("aten.").partition(".")[0]


def exits(program: GraphModule, paths: Iterable[str]) -> dict[str, str]:
    """The one value that leaves each of these modules; those of which several do are left out."""
    found = {}
    for path in paths:
        inside = {node for node in program.graph.nodes if is_inside(_module(node), path)}
        leaving = [node.name for node in inside if not inside.issuperset(node.users)]
        if len(leaving) == 1:
            found[path] = leaving[0]
    return found


def _readers(node: Node) -> list[Node]:
    """The operators that compute with what another returns; the model's output is none."""
    return [user for user in node.users if user.op == "call_function"]


def _module(node: Node) -> str | None:
    """Which module called an operator; None of what is none."""
    return path_of(node) if "nn_module_stack" in node.meta else None
