"""Products of a map with gates, in the order in which they cost least."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

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
        product, weight, *rest = cast("tuple[Node, ...]", conv.args)
        pair = _gated(product) if _is_projection(conv, constant(program, weight)) else None
        if pair is None:
            continue
        yield path_of(conv)
        source, gate = pair
        value, bias = conv.meta["val"], constant(program, rest[0]) if rest else None
        projected = insert(conv, aten.conv2d.default, source, weight, value=value)
        gated = insert(conv, aten.mul.Tensor, projected, gate, value=value)
        gated.meta |= origin(product)
        if bias is not None:
            shift = add_constant(program, bias.view(1, -1, 1, 1), conv)
            gated = insert(conv, aten.add.Tensor, gated, shift, value=value)
        conv.replace_all_uses_with(gated)
        program.graph.erase_node(conv)


def _is_projection(conv: Node, weight: torch.Tensor | None) -> bool:
    """A convolution of single pixels, of all channels together, that returns fewer of them."""
    if weight is None:
        return False
    outputs, inputs, *kernel = weight.shape
    steps = [number for one in conv.args[3:5] for number in cast("list[int]", one)]
    whole = inputs == shape_of(cast("Node", conv.args[0]))[1]
    return whole and outputs < inputs and kernel == [1, 1] and steps in ([], [1, 1], [1, 1, 0, 0])


def _gated(product: Node) -> tuple[Node, Node] | None:
    """The map and the gate of a product that nobody else reads, if that is one number a pixel."""
    if product.target is not aten.mul.Tensor or len(product.users) != 1:
        return None
    batch, _, *size = shape_of(product)
    pixels = [one for one in product.all_input_nodes if shape_of(one) == (batch, 1, *size)]
    others = [one for one in product.all_input_nodes if shape_of(one) == shape_of(product)]
    return (others[0], pixels[0]) if len(pixels) == len(others) == 1 else None


GATES_BY_MATMUL = Rewrite(
    "gates-by-matmul",
    "ONNX Runtime multiplies by a gate of one axis row by row, which on small maps costs more than "
    "the convolutions",
    frozenset({"onnx"}),
    gates_by_matmul,
    precisions=frozenset({"fp32"}),
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
