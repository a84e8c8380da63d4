"""
The first operator of a block that computes something else than PyTorch.

The block's operators are run alone on PyTorch's own input, every value an output. A value is right
if PyTorch's rewritten graph has it in that block too, each of PyTorch's but once; what moves
numbers without computing may repeat one. A value that PyTorch has not, since a converter takes
operators apart, is right if something right was computed from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Interpreter, Node

from attnbench.graphs.base import Node as Operator
from attnbench.graphs.boundaries import Boundary
from attnbench.graphs.layouts import layouts
from attnbench.parity.cases import Expected
from attnbench.parity.limits import Limits
from attnbench.parity.metrics import Array
from attnbench.pipeline.alone import Alone
from attnbench.pipeline.inside import Inside
from attnbench.pipeline.probe import Probe, run, worst
from attnbench.pipeline.reference import trace
from attnbench.pipeline.rounded_inside import AnyInside
from attnbench.records import Artifact, FirstOperator, is_inside
from attnbench.rewrites import REWRITES, rewrite
from attnbench.rewrites.base import path_of

MOVING = frozenset(
    {
        *("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Slice", "Split"),
        *("Expand", "Pad", "Cast", "RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "SLICE"),
        *("STRIDED_SLICE", "SPLIT", "BROADCAST_TO", "PAD", "PADV2", "CAST", "StaticReshape"),
        *("StaticTranspose", "StaticSlice", "StaticConstantPad", "Copy", "Convert"),
        *("QuantizeLinear", "DequantizeLinear", "QUANTIZE", "DEQUANTIZE"),
        *("reshape", "transpose", "squeeze", "expand_dims", "slice_by_index", "slice_by_size"),
        *("split", "pad", "cast", "identity", "quantize", "dequantize"),
    }
)
"""Operators that move numbers, or store them otherwise, in the words of the formats."""


def first_operator(
    place: Boundary, part: Alone, probe: Probe, inside: AnyInside, limits: Limits
) -> FirstOperator | None:
    """The first operator whose value is none of PyTorch's; None if there is no such."""
    call = part.calls[part.worst]
    if isinstance(inside, Inside):
        arrays = [*inside.inputs.values()][part.worst]
        known = _values(probe.artifact, inside.single, arrays, place.block.path)
    else:
        known = inside.values(place.block.path, call)
    graph = probe.editor.graph
    seen = graph.shapes.keys() - graph.fixed()
    nodes = [graph.nodes[i] for i in place.nodes if graph.nodes[i].outputs[0] in seen]
    shown = [node.outputs[0] for node in nodes]
    content = probe.editor.cut(place.entries, shown)
    fed = [one.fed(call) for one in part.entries]
    (outputs,) = run(probe.artifact.backend, content, [fed], probe.device)
    values = dict(zip(shown, outputs, strict=True))
    wrong = _wrong(nodes, values, known, limits, channels_last=graph.channels_last)
    computing = [node for node in wrong if node.operator not in MOVING]
    for node in computing or wrong:
        return FirstOperator(node.name, node.operator, node.path)
    return None


def _wrong(
    nodes: Sequence[Operator],
    values: Mapping[str, Array],
    known: Sequence[Expected],
    limits: Limits,
    *,
    channels_last: bool,
) -> list[Operator]:
    """The operators that have no right value, nor any that was made from it."""
    used: set[str] = set()
    right: set[str] = set()
    for node in nodes:
        moves = node.operator in MOVING
        for one in known:
            if (moves or one.name not in used) and _equal(
                values[node.outputs[0]], one, limits, channels_last=channels_last
            ):
                right.add(node.outputs[0])
                used |= set() if moves else {one.name}
                break
    for node in reversed(nodes):
        if node.outputs[0] in right:
            right |= set(node.inputs)
    return [node for node in nodes if node.outputs[0] not in right]


def _equal(value: Array, known: Expected, limits: Limits, *, channels_last: bool) -> bool:
    ways = layouts(value.shape, known.single[0].shape, channels_last=channels_last)
    return any(worst([known], [way.read(value)], limits).passed for way in ways)


def _values(
    artifact: Artifact, module: nn.Module, arrays: Sequence[Array], block: str
) -> list[Expected]:
    """What the graph that was exported computes inside of a block, in its order."""
    example = tuple(map(torch.from_numpy, arrays))
    names = {one.name for one in artifact.rewrites}
    program, _ = rewrite(
        trace(module, example).module(check_guards=False),
        example,
        [one for one in REWRITES if one.name in names],
    )
    single = _Watch(program, block).values(example)
    double = _Watch(program.double(), block).values([one.double() for one in example])
    return [
        Expected(name, (single[name].numpy(),), (double[name].numpy(),))
        for name in single
        if single[name].is_floating_point()
    ]


class _Watch(Interpreter):
    """Runs a graph and keeps what the nodes of one block return."""

    def __init__(self, program: GraphModule, block: str) -> None:
        super().__init__(program)
        self.block = block
        self.kept: dict[str, Tensor] = {}

    def values(self, arguments: Sequence[Tensor]) -> dict[str, Tensor]:
        """The tensors by the names of their nodes."""
        with torch.inference_mode():
            self.run(*arguments)
        return self.kept

    def run_node(self, n: Node) -> Any:
        """See Interpreter."""
        result = super().run_node(n)
        if n.op == "call_function" and is_inside(path_of(n), self.block):
            self.kept |= {n.name: result.clone()} if isinstance(result, Tensor) else {}
        return result
