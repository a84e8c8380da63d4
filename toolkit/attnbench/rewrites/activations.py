"""Activations and norms that a converter leaves in a form that its runtime does not take."""

from __future__ import annotations

import math
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
    is_in_place,
    path_of,
    replace,
    shape_of,
)

aten = torch.ops.aten


def hard_sigmoid_to_clamp(program: GraphModule) -> Iterator[str]:
    """hardsigmoid(x) -> clamp(x + 3.0, 0.0, 6.0) / 6.0, by which it is defined."""
    for node in calls(program, aten.hardsigmoid.default):
        yield path_of(node)
        value = node.meta["val"]
        shifted = insert(node, aten.add.Tensor, node.args[0], 3.0, value=value)
        clamped = insert(node, aten.clamp.default, shifted, 0.0, 6.0, value=value)
        replace(node, aten.div.Tensor, clamped, 6.0)


def hard_swish_into_products(program: GraphModule) -> Iterator[str]:
    """conv(hardswish(x)), x a strip -> conv(x * clamp(x + 3.0, 0.0, 6.0)), a sixth its weights."""
    for node in calls(program, aten.hardswish.default, aten.hardswish_.default):
        source, value = cast("Node", node.args[0]), node.meta["val"]
        weights = {one: _weight(program, one) for one in node.users}
        readers = {one: weight for one, weight in weights.items() if weight is not None}
        overwrites = is_in_place(node) and len(source.users) > 1
        of_strip = value.dim() == 4 and 1 in shape_of(node)[2:]
        if overwrites or not of_strip or len(readers) < len(weights):
            continue
        yield path_of(node)
        shifted = insert(node, aten.add.Tensor, source, 3.0, value=value)
        clamped = insert(node, aten.clamp.default, shifted, 0.0, 6.0, value=value)
        product = replace(node, aten.mul.Tensor, source, clamped)
        for conv, weight in readers.items():
            yield path_of(conv)
            conv.args = (product, add_constant(program, weight / 6, conv), *conv.args[2:])


def _weight(program: GraphModule, conv: Node) -> torch.Tensor | None:
    """The weights of a convolution; None of what is none, or where they are no constant."""
    return constant(program, conv.args[1]) if conv.target is aten.conv2d.default else None


def softmax_over_last(program: GraphModule) -> Iterator[str]:
    """Softmax over another axis than the last -> over the last, that axis turned there and back."""
    for node in calls(program, aten.softmax.int):
        source, given = cast("tuple[Node, int]", node.args[:2])
        value = node.meta["val"]
        axis = given % value.dim()
        if axis == value.dim() - 1 or node.args[2:] or node.kwargs:
            continue
        yield path_of(node)
        laid = value.transpose(axis, -1)
        turned = insert(node, aten.transpose.int, source, axis, -1, value=laid)
        shares = insert(node, aten.softmax.int, turned, -1, value=laid)
        replace(node, aten.transpose.int, shares, axis, -1)


def layer_norm_apart(program: GraphModule) -> Iterator[str]:
    """LayerNorm over the last axis -> its means as those of maps of one row, and arithmetic."""
    for node in calls(program, aten.layer_norm.default):
        source, sizes, *affine = cast("tuple[Node, list[int], Node | float]", node.args)
        if len(sizes) != 1:
            continue
        yield path_of(node)
        weight, bias, epsilon = (*affine, *(None, None, 1e-5)[len(affine) :])[:3]
        *outer, length = shape_of(source)
        shape = (math.prod(outer), 1, 1, length)
        value = node.meta["val"]
        rows, single = value.new_empty(shape), value.new_empty((*shape[:3], 1))
        laid = insert(node, aten.reshape.default, source, [*shape], value=rows)
        mean = insert(node, aten.mean.dim, laid, [2, 3], True, value=single)
        centred = insert(node, aten.sub.Tensor, laid, mean, value=rows)
        squares = insert(node, aten.mul.Tensor, centred, centred, value=rows)
        variance = insert(node, aten.mean.dim, squares, [2, 3], True, value=single)
        steady = insert(node, aten.add.Tensor, variance, epsilon, value=single)
        scale = insert(node, aten.rsqrt.default, steady, value=single)
        made = insert(node, aten.mul.Tensor, centred, scale, value=rows)
        made = insert(node, aten.reshape.default, made, [*shape_of(node)], value=value)
        for operator, one in ((aten.mul.Tensor, weight), (aten.add.Tensor, bias)):
            if one is not None:
                made = insert(node, operator, made, one, value=value)
        node.replace_all_uses_with(made)
        program.graph.erase_node(node)


HARD_SWISH_INTO_PRODUCTS = Rewrite(
    "hard-swish-into-products",
    "XNNPACK in LiteRT has no hard-swish of 8-bit numbers; one a strip cuts the graph in three",
    frozenset({"tflite"}),
    hard_swish_into_products,
    precisions=frozenset({"int8"}),
    moves=True,
)
SOFTMAX_OVER_LAST = Rewrite(
    "softmax-over-last",
    "XNNPACK takes a softmax over the last axis only; any other is left outside its delegate",
    frozenset({"executorch"}),
    softmax_over_last,
)
LAYER_NORM_APART = Rewrite(
    "layer-norm-apart",
    "LayerNorm is a portable operator outside the XNNPACK delegate, and cuts the graph in two",
    frozenset({"executorch"}),
    layer_norm_apart,
    precisions=frozenset({"fp32"}),
)
HARD_SIGMOID_TO_CLAMP = Rewrite(
    "hard-sigmoid-to-clamp",
    "ExecuTorch adds a whole number, and converts it to float32 outside the XNNPACK delegate",
    frozenset({"executorch"}),
    hard_sigmoid_to_clamp,
)
