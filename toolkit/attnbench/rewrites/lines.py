"""Convolutions along one axis as those of maps of one row."""

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
    path_of,
    replace,
    shape_of,
)

aten = torch.ops.aten

DEFAULTS: tuple[object, ...] = (None, [1], [0], [1], 1)
"""conv1d's bias, stride, padding, dilation and groups."""


def conv1d_to_conv2d(program: GraphModule) -> Iterator[str]:
    """Convolution of lines -> of maps of one row."""
    for node in calls(program, aten.conv1d.default):
        source, kernel, *said = node.args
        weight = constant(program, kernel)
        if weight is None:
            continue
        yield path_of(node)
        row = cast("Node", source).meta["val"].unsqueeze(2)
        laid = insert(node, aten.reshape.default, source, [*row.shape], value=row)
        bias, stride, padding, dilation, groups = [*list[object](said), *DEFAULTS[len(said) :]]
        made = insert(
            node,
            aten.conv2d.default,
            laid,
            add_constant(program, weight.unsqueeze(2), node),
            bias,
            [1, *cast("list[int]", stride)],
            [0, *cast("list[int]", padding)],
            [1, *cast("list[int]", dilation)],
            groups,
            value=node.meta["val"].unsqueeze(2),
        )
        replace(node, aten.reshape.default, made, [*shape_of(node)])


CONV1D_TO_CONV2D = Rewrite(
    "conv1d-to-conv2d",
    "ExecuTorch turns and reshapes every line that goes into a convolution and comes out of one, "
    "in kernels that belong to no operator of the graph",
    frozenset({"executorch"}),
    conv1d_to_conv2d,
)
