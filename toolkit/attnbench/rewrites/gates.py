"""Products of a map with gates, in the order in which they cost least."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Literal, cast

import torch
from torch.fx import GraphModule, Node

from attnbench.rewrites.base import (
    Rewrite,
    add_constant,
    calls,
    constant,
    insert,
    origin,
    path_of,
    replace,
    shape_of,
)

aten = torch.ops.aten


def gates_by_matmul(program: GraphModule) -> Iterator[str]:
    """x * a * b, one gate a row and one a column -> x * (a @ b)."""
    for node in calls(program, aten.mul.Tensor):
        for factors in _in_threes(node):
            rows = [one for one in factors if _is_gate(one, node, axis=3)]
            columns = [one for one in factors if _is_gate(one, node, axis=2)]
            maps = [one for one in factors if shape_of(one) == shape_of(node)]
            if len(maps) == len(rows) == len(columns) == 1:
                yield path_of(node)
                value = node.meta["val"]
                outer = insert(node, aten.matmul.default, rows[0], columns[0], value=value)
                replace(node, aten.mul.Tensor, maps[0], outer)
                break


def _in_threes(node: Node) -> Iterator[tuple[Node, ...]]:
    """What a product of maps is of, where one factor is a product that nobody else reads."""
    for inner, other in (node.args, node.args[::-1]):
        if isinstance(inner, Node) and inner.target is aten.mul.Tensor and len(inner.users) == 1:
            factors = [one for one in (*inner.args, other) if isinstance(one, Node)]
            if len(factors) == 3 and all(len(shape_of(one)) == 4 for one in factors):
                yield tuple(factors)


def _is_gate(gate: Node, product: Node, *, axis: int) -> bool:
    """Whether it has one number for all that lies along an axis of what it is multiplied into."""
    wanted = [1 if at == axis else size for at, size in enumerate(shape_of(product))]
    return list(shape_of(gate)) == wanted


def gate_behind_projection(program: GraphModule) -> Iterator[str]:
    """conv1x1(x * g) + b to fewer channels, g one number a pixel -> conv1x1(x) * g + b."""
    for conv in calls(program, aten.conv2d.default):
        product, weight = cast("tuple[Node, Node]", conv.args[:2])
        fits = _is_projection(conv, constant(program, weight))
        pair = _gated(product, one_for="pixel") if fits else None
        if pair is None:
            continue
        yield path_of(conv)
        source, gate = pair
        value = conv.meta["val"]
        projected = insert(conv, aten.conv2d.default, source, weight, value=value)
        gated = insert(conv, aten.mul.Tensor, projected, gate, value=value)
        gated.meta |= origin(product)
        conv.replace_all_uses_with(_shifted(program, gated, conv))
        program.graph.erase_node(conv)


def gate_into_projection(program: GraphModule) -> Iterator[str]:
    """conv1x1(x * g) + b, g one number a channel -> pixels of x @ (weights * g) + b."""
    for conv in calls(program, aten.conv2d.default):
        product, weight = cast("tuple[Node, Node]", conv.args[:2])
        kernel = constant(program, weight)
        if kernel is None or not (_is_projection(conv, kernel) and _is_far_smaller(kernel, conv)):
            continue
        pair = _gated(product, one_for="channel")
        if pair is None:
            continue
        yield path_of(conv)
        source, gate = pair
        (outputs, inputs), (batch, _, height, width) = kernel.shape[:2], shape_of(conv)
        matrix = add_constant(program, kernel.view(1, outputs, inputs).mT.contiguous(), conv)
        column = _view(conv, gate, batch, inputs, 1)
        scaled = _made(conv, aten.mul.Tensor, matrix, column, shape=(batch, inputs, outputs))
        scaled.meta |= origin(product)
        last = (batch, height, width, inputs)
        pixels = _made(conv, aten.permute.default, source, [0, 2, 3, 1], shape=last)
        pixels = _view(conv, pixels, batch, height * width, inputs)
        shape = (batch, height * width, outputs)
        projected = _made(conv, aten.bmm.default, pixels, scaled, shape=shape)
        projected = _view(conv, projected, batch, height, width, outputs)
        turned = _made(conv, aten.permute.default, projected, [0, 3, 1, 2], shape=shape_of(conv))
        conv.replace_all_uses_with(_shifted(program, turned, conv))
        program.graph.erase_node(conv)


def _view(before: Node, source: Node, *shape: int) -> Node:
    """The same numbers in another shape."""
    return _made(before, aten.reshape.default, source, [*shape], shape=shape)


def _made(
    before: Node, target: Callable[..., object], *args: object, shape: tuple[int, ...]
) -> Node:
    """A new call before a node, in its scope, that returns numbers like it in this shape."""
    return insert(before, target, *args, value=before.meta["val"].new_empty(shape))


def _shifted(program: GraphModule, made: Node, conv: Node) -> Node:
    """What is made without it, and the bias of a convolution."""
    bias = constant(program, conv.args[2]) if len(conv.args) > 2 else None
    if bias is None:
        return made
    shift = add_constant(program, bias.view(1, -1, 1, 1), conv)
    return insert(conv, aten.add.Tensor, made, shift, value=conv.meta["val"])


def _is_projection(conv: Node, weight: torch.Tensor | None) -> bool:
    """A convolution of single pixels, of all channels together, that returns fewer of them."""
    if weight is None:
        return False
    outputs, inputs, *kernel = weight.shape
    steps = [number for one in conv.args[3:5] for number in cast("list[int]", one)]
    whole = inputs == shape_of(cast("Node", conv.args[0]))[1]
    return whole and outputs < inputs and kernel == [1, 1] and steps in ([], [1, 1], [1, 1, 0, 0])


def _gated(product: Node, *, one_for: Literal["pixel", "channel"]) -> tuple[Node, Node] | None:
    """The map and the gate of a product that nobody else reads, if that has one number for each."""
    if product.target is not aten.mul.Tensor or len(product.users) != 1:
        return None
    batch, channels, *size = shape_of(product)
    wanted = (batch, 1, *size) if one_for == "pixel" else (batch, channels, 1, 1)
    gates = [one for one in product.all_input_nodes if shape_of(one) == wanted]
    others = [one for one in product.all_input_nodes if shape_of(one) == shape_of(product)]
    return (others[0], gates[0]) if len(gates) == len(others) == 1 else None


def _is_far_smaller(kernel: torch.Tensor, conv: Node) -> bool:
    """Whether weights and results are together less than a third of the map that is projected."""
    outputs, inputs = kernel.shape[:2]
    pixels = math.prod(shape_of(conv)[2:])
    return 3 * outputs * (inputs + pixels) < inputs * pixels


GATES_BY_MATMUL = Rewrite(
    "gates-by-matmul",
    "ONNX Runtime multiplies by a gate of one axis row by row, which on small maps costs more than "
    "the convolutions",
    frozenset({"onnx"}),
    gates_by_matmul,
    precisions=frozenset({"fp32"}),
)
GATE_INTO_PROJECTION = Rewrite(
    "gate-into-projection",
    "a gate of channels is applied to every pixel of a map, though a few weights would do",
    frozenset({"tflite"}),
    gate_into_projection,
    precisions=frozenset({"fp32"}),
    targets=frozenset({"aarch64"}),
    moves=True,
    unverified=True,
)
GATE_BEHIND_PROJECTION = Rewrite(
    "gate-behind-projection",
    "a gate of single pixels is applied to all channels of a bottleneck, before a projection that "
    "leaves a sixth of them",
    frozenset({"onnx", "tflite", "executorch"}),
    gate_behind_projection,
    precisions=frozenset({"fp32"}),
    moves=True,
)
