"""Views and arithmetic that a converter refuses, fails to delegate, or gets wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.fx import GraphModule, Node

from attnbench.rewrites.base import Rewrite, calls, constant, insert, path_of, replace, shape_of

aten = torch.ops.aten
BROADCASTING = {aten.mul.Tensor, aten.add.Tensor, aten.sub.Tensor, aten.div.Tensor}


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
