"""Matrix products in the form that a delegate takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import cast

import torch
from torch.fx import GraphModule, Node

from attnbench.rewrites.base import Rewrite, calls, insert, path_of, replace, shape_of

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
