"""Views and arithmetic that a converter refuses, fails to delegate, or gets wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import torch
from torch.fx import GraphModule, Node

from attnbench.rewrites.base import Rewrite, calls, constant, insert, path_of, replace, shape_of

aten = torch.ops.aten
BROADCASTING = {aten.mul.Tensor, aten.add.Tensor, aten.sub.Tensor, aten.div.Tensor}
SQUEEZES = (aten.squeeze.default, aten.squeeze.dim, aten.squeeze.dims)


def split_to_slices(program: GraphModule) -> Iterator[str]:
    """split(x, sizes) -> one slice for each part."""
    targets = (aten.split_with_sizes.default, aten.split.Tensor, aten.chunk.default)
    for node in calls(program, *targets):
        source, _, *rest = node.args
        axis = int(rest[0]) if rest else int(node.kwargs.get("dim", 0))  # type: ignore
        yield path_of(node)
        ends = [0]
        for part in node.meta["val"]:
            ends.append(ends[-1] + int(part.shape[axis]))
        for user in list(node.users):
            start = int(user.args[1])  # type: ignore[arg-type]
            replace(user, aten.slice.Tensor, source, axis, ends[start], ends[start + 1])
        node.graph.erase_node(node)


def unbind_to_slices(program: GraphModule) -> Iterator[str]:
    """unbind(x) -> of each part one slice, and a view without that axis."""
    for node in calls(program, aten.unbind.int):
        source = cast("Node", node.args[0])
        axis = int(node.args[1]) % len(shape_of(source)) if len(node.args) > 1 else 0  # type: ignore
        yield path_of(node)
        for user in list(node.users):
            at, value = int(user.args[1]), user.meta["val"]  # type: ignore[arg-type]
            kept = value.unsqueeze(axis)
            part = insert(user, aten.slice.Tensor, source, axis, at, at + 1, value=kept)
            replace(user, aten.reshape.default, part, [*shape_of(user)])
        node.graph.erase_node(node)


def squeeze_to_reshape(program: GraphModule) -> Iterator[str]:
    """squeeze(x) -> a view of the shape that is left."""
    for node in calls(program, *SQUEEZES):
        yield path_of(node)
        replace(node, aten.reshape.default, node.args[0], [*shape_of(node)])


def whole_number_to_float(program: GraphModule) -> Iterator[str]:
    """Floats and a whole number, added, subtracted, multiplied or divided -> that as a float."""
    for node in calls(program, *BROADCASTING, aten.rsub.Scalar):
        pair = node.args[:2]
        if node.meta["val"].is_floating_point() and any(type(one) is int for one in pair):
            yield path_of(node)
            floats = (float(one) if type(one) is int else one for one in pair)
            node.args = (*floats, *node.args[2:])


def drop_expand(program: GraphModule) -> Iterator[str]:
    """x.expand_as(y) * y -> x * y: the product broadcasts by itself."""
    for node in calls(program, aten.expand.default, aten.expand_as.default):
        source = node.args[0]
        if isinstance(source, Node) and all(_broadcasts(user, node) for user in node.users):
            yield path_of(node)
            node.replace_all_uses_with(source)
            node.graph.erase_node(node)


def _broadcasts(user: Node, node: Node) -> bool:
    """Whether `user` returns the same shape when `node` is not expanded first."""
    if user.target not in BROADCASTING:
        return False
    shapes = [
        shape_of(arg.args[0] if arg is node else arg)  # type: ignore
        for arg in user.args[:2]
        if isinstance(arg, Node)
    ]
    return np.broadcast_shapes(*shapes) == shape_of(user)


def sub_from_constant(program: GraphModule) -> Iterator[str]:
    """Constant - x -> (-x) + constant."""
    for node in calls(
        program, aten.sub.Tensor, aten.sub.Scalar, aten.rsub.Scalar, aten.rsub.Tensor
    ):
        left, right = node.args[:2]
        if node.target in (aten.rsub.Scalar, aten.rsub.Tensor):
            left, right = right, left
        scaled = len(node.args) > 2 or node.kwargs.get("alpha", 1) != 1
        fixed = not isinstance(left, Node) or constant(program, left) is not None
        if scaled or not fixed or not isinstance(right, Node):
            continue
        yield path_of(node)
        negated = insert(node, aten.neg.default, right, value=right.meta["val"])
        replace(node, aten.add.Tensor, negated, left)


UNBIND_TO_SLICES = Rewrite(
    "unbind-to-slices",
    "unbind ends in squeeze, a portable operator outside the XNNPACK delegate",
    frozenset({"executorch"}),
    unbind_to_slices,
)
SQUEEZE_TO_RESHAPE = Rewrite(
    "squeeze-to-reshape",
    "squeeze is a portable operator outside the XNNPACK delegate, which takes views",
    frozenset({"executorch"}),
    squeeze_to_reshape,
)
WHOLE_NUMBER_TO_FLOAT = Rewrite(
    "whole-number-to-float",
    "ExecuTorch converts a whole number at every inference, outside the XNNPACK delegate",
    frozenset({"executorch"}),
    whole_number_to_float,
)
SPLIT_TO_SLICES = Rewrite(
    "split-to-slices",
    "split is a portable operator outside the XNNPACK delegate",
    frozenset({"executorch"}),
    split_to_slices,
)
DROP_EXPAND = Rewrite(
    "drop-expand",
    "expand_as before a product does not convert to TFLite and leaves the XNNPACK delegate",
    frozenset({"tflite", "executorch"}),
    drop_expand,
)
SUB_FROM_CONSTANT = Rewrite(
    "sub-from-constant",
    "litert-torch 0.10.0 swaps the operands of `constant - x` and computes `x - constant`",
    frozenset({"tflite"}),
    sub_from_constant,
)
