"""Matrix products in the form that a delegate takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeGuard, cast

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


def matmul_to_bmm(program: GraphModule) -> Iterator[str]:
    """matmul of (..., L, D) and (..., D, M), equal before that -> bmm with one batch dimension."""
    for node in calls(program, aten.matmul.default):
        left, right = cast("tuple[Node, Node]", node.args)
        batch = shape_of(left)[:-2]
        if batch != shape_of(right)[:-2] or not batch:
            continue
        yield path_of(node)
        if len(batch) > 1:
            left, right = (_flattened(one, before=node) for one in (left, right))
        shape = shape_of(node)
        value = node.meta["val"].new_empty((math.prod(batch), *shape[-2:]))
        product = insert(node, aten.bmm.default, left, right, value=value)
        if len(batch) > 1:
            product = insert(node, aten.reshape.default, product, [*shape], value=node.meta["val"])
        node.replace_all_uses_with(product)
        program.graph.erase_node(node)


def _flattened(operand: Node, *, before: Node) -> Node:
    """An operand with all its batch dimensions in one."""
    *batch, rows, columns = shape_of(operand)
    shape = [math.prod(batch), rows, columns]
    value = operand.meta["val"].new_empty(shape)
    return insert(before, aten.reshape.default, operand, shape, value=value)


def column_product_to_sum(program: GraphModule) -> Iterator[str]:
    """(N, L, D) times one column, (N, D, 1) -> the sum over D of what they multiply to."""
    for node in calls(program, aten.bmm.default, aten.matmul.default):
        left, column = cast("tuple[Node, Node]", node.args)
        batch, *inner = shape_of(column)
        if inner[1:] != [1] or shape_of(left)[::2] != (batch, inner[0]):
            continue
        yield path_of(node)
        value = column.meta["val"].new_empty((batch, 1, inner[0]))
        row = insert(node, aten.transpose.int, column, 1, 2, value=value)
        product = insert(node, aten.mul.Tensor, left, row, value=left.meta["val"])
        replace(node, aten.sum.dim_IntList, product, [2], True)


def shared_layer_once(program: GraphModule) -> Iterator[str]:
    """conv(p) + conv(q) of the same weights -> conv(p + q), its bias doubled."""
    for node in calls(program, aten.add.Tensor):
        one, other = node.args
        if not (_is_read_once(one) and _is_read_once(other)) or node.kwargs:
            continue
        if one.args[1:] != other.args[1:] or _sizes(one) != _sizes(other):
            continue
        yield path_of(node)
        first, second = cast("tuple[Node, Node]", (one.args[0], other.args[0]))
        both = insert(node, aten.add.Tensor, first, second, value=first.meta["val"])
        weight, *rest = one.args[1:]
        bias = constant(program, rest[0]) if rest else None
        if bias is not None:
            rest[0] = add_constant(program, 2 * bias, node)
        replace(node, aten.conv2d.default, both, weight, *rest).meta |= origin(one)


def _is_read_once(node: object) -> TypeGuard[Node]:
    """Whether it is a convolution that nobody else reads."""
    return isinstance(node, Node) and node.target is aten.conv2d.default and len(node.users) == 1


def _sizes(conv: Node) -> tuple[int, ...]:
    """The shape of what it convolves."""
    return shape_of(cast("Node", conv.args[0]))


MATMUL_TO_BMM = Rewrite(
    "matmul-to-bmm",
    "matmul expands both its batches first; expand falls out of the XNNPACK delegate and cuts it",
    frozenset({"executorch"}),
    matmul_to_bmm,
)
COLUMN_PRODUCT_TO_SUM = Rewrite(
    "column-product-to-sum",
    "the LiteRT converter gives a matrix times one column a wrong rank, and refuses its own result",
    frozenset({"tflite"}),
    column_product_to_sum,
)
SHARED_LAYER_ONCE = Rewrite(
    "shared-layer-once",
    "a layer that two vectors share is computed twice, and its results are added",
    frozenset({"onnx", "tflite", "executorch"}),
    shared_layer_once,
)
