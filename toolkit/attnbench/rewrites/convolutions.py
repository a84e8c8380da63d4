"""A convolution in two, where a runtime computes more channels at once than it returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor
from torch.fx import GraphModule, Node

from attnbench.rewrites.base import (
    Rewrite,
    add_constant,
    calls,
    constant,
    insert,
    path_of,
    replace,
    shape_of,
)

aten = torch.ops.aten

LANES = 8
"""Channels that XNNPACK computes at once: of fewer it computes as many, and throws them away."""

PLAIN = [[1, 1], [1, 1], 1]
"""The strides, dilations and groups of a convolution that is nothing else besides."""


def rows_then_columns(program: GraphModule) -> Iterator[str]:
    """
    A convolution to one channel -> along rows, to a channel for each row of its kernel; their sum.

    out[y] = sum over k of rows[k][y + k], and rows[k] is what row k of the kernel makes of a row.
    Channels that are left of the LANES are zeros: fewer take three times as long.
    """
    for node in calls(program, aten.conv2d.default):
        weight, padding = constant(program, node.args[1]), _padding(node)
        if weight is None or padding is None or not _is_worth_it(weight):
            continue
        yield path_of(node)
        source, bias = cast("Node", node.args[0]), node.args[2] if len(node.args) > 2 else None
        (batch, _, _, wide), (_, inputs, height, width) = shape_of(node), weight.shape
        value = node.meta["val"].new_empty((batch, LANES, shape_of(source)[2], wide))
        kernels = weight.new_zeros((LANES, inputs, 1, width))
        kernels[:height] = weight.permute(2, 1, 0, 3)
        along = add_constant(program, kernels, node)
        shifts = torch.eye(LANES, height, dtype=weight.dtype).view(1, LANES, height, 1)
        down = add_constant(program, shifts, node)
        conv, once, (top, side) = aten.conv2d.default, [1, 1], padding
        rows = insert(node, conv, source, along, None, once, [0, side], value=value)
        replace(node, conv, rows, down, bias, once, [top, 0])


def _padding(node: Node) -> tuple[int, int] | None:
    """Rows and columns of zeros around a map; None of a convolution with strides and the like."""
    given, usual = list[object](node.args[3:]), [[1, 1], [0, 0], [1, 1], 1]
    stride, padding, dilation, groups = given + usual[len(given) :]
    if [stride, dilation, groups] != PLAIN or len(shape_of(node)) != 4:
        return None
    top, side = cast("list[int]", padding)
    return top, side


def _is_worth_it(weight: Tensor) -> bool:
    """Whether two take a quarter fewer products, all of LANES channels, than one."""
    outputs, inputs, height, width = weight.shape
    both = inputs * width + LANES * height
    return outputs == 1 and 1 < height <= LANES and 4 * both <= 3 * inputs * height * width


ROWS_THEN_COLUMNS = Rewrite(
    "rows-then-columns",
    "XNNPACK computes eight channels of a gate of single pixels, from all of its kernel, and keeps "
    "one",
    frozenset({"tflite", "executorch"}),
    rows_then_columns,
    precisions=frozenset({"fp32", "fp16"}),
    targets=frozenset({"aarch64"}),
    unverified=True,
)
