"""Means and maxima over an axis as convolutions and pools, where those are faster kernels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch.fx import GraphModule, Node

from attnbench.rewrites.base import Rewrite, add_constant, calls, insert, path_of, replace, shape_of

aten = torch.ops.aten


def column_mean_to_convolution(program: GraphModule) -> Iterator[str]:
    """Mean over H, keepdim -> a convolution, each channel by itself, with a column of 1/H."""
    for node, source in _means(program, axis=2):
        yield path_of(node)
        _, channels, height, _ = shape_of(source)
        _convolve(program, node, (channels, 1, height, 1), groups=channels)


def strip_means_to_convolutions(program: GraphModule) -> Iterator[str]:
    """Mean over H or over W, keepdim -> a convolution, each channel by itself, with 1/H or 1/W."""
    for node, source in _means(program, axis=3):
        yield path_of(node)
        _, channels, _, width = shape_of(source)
        _convolve(program, node, (channels, 1, 1, width), groups=channels)
    yield from column_mean_to_convolution(program)


def channel_mean_to_convolution(program: GraphModule) -> Iterator[str]:
    """Mean over C, keepdim -> a convolution of single pixels with 1/C."""
    for node, source in _means(program, axis=1):
        yield path_of(node)
        _convolve(program, node, (1, shape_of(source)[1], 1, 1), groups=1)


def strip_mean_of_rows(program: GraphModule) -> Iterator[str]:
    """Mean over W of one image, keepdim -> over the whole of H maps of one row; over H likewise."""
    for axis, swapped in ((3, [2, 1, 0, 3]), (2, [3, 1, 2, 0])):
        for node, source in _means(program, axis=axis):
            if shape_of(source)[0] == 1:
                yield path_of(node)
                value = source.meta["val"].permute(swapped)
                laid = insert(node, aten.permute.default, source, swapped, value=value)
                value = node.meta["val"].permute(swapped)
                mean = insert(node, aten.mean.dim, laid, [2, 3], True, value=value)
                replace(node, aten.permute.default, mean, swapped)


def channels_to_pools(program: GraphModule) -> Iterator[str]:
    """Maximum or mean over C, keepdim -> channels turned to rows, a pool over all of them."""
    turned: dict[Node, Node] = {}
    for node in calls(program, aten.amax.default, aten.mean.dim):
        if not _keeps(node, axis=1):
            continue
        source = cast("Node", node.args[0])
        yield path_of(node)
        if source not in turned:
            value = source.meta["val"].permute(0, 3, 1, 2)
            turned[source] = insert(node, aten.permute.default, source, [0, 3, 1, 2], value=value)
        value = node.meta["val"].permute(0, 3, 1, 2)
        is_mean = node.target is aten.mean.dim
        pool = aten.avg_pool2d.default if is_mean else aten.max_pool2d.default
        pooled = insert(node, pool, turned[source], [shape_of(source)[1], 1], value=value)
        replace(node, aten.permute.default, pooled, [0, 2, 3, 1])


def joined_before_turned(program: GraphModule) -> Iterator[str]:
    """cat(turn(a), turn(b)), both alike -> turn(cat(a, b))."""
    for node in calls(program, aten.cat.default):
        parts = cast("list[Node]", node.args[0])
        turn = parts[0]
        alike = all(one.target is turn.target and one.args[1:] == turn.args[1:] for one in parts)
        if turn.target is not aten.permute.default or not alike:
            continue
        yield path_of(node)
        order = cast("list[int]", turn.args[1])
        axis = order[cast("int", node.args[1]) if len(node.args) > 1 else 0] % len(order)
        shape = [0] * len(order)
        for at, size in zip(order, shape_of(node), strict=True):
            shape[at] = size
        sources = [cast("Node", one.args[0]) for one in parts]
        value = node.meta["val"].new_empty(shape)
        joined = insert(node, aten.cat.default, sources, axis, value=value)
        replace(node, aten.permute.default, joined, order)


def map_max_to_pool(program: GraphModule) -> Iterator[str]:
    """Maximum over H, W or both, keepdim -> a pool over all of it."""
    for node in calls(program, aten.amax.default):
        size = _kept_size(node)
        if size is not None and size != [1, 1]:
            yield path_of(node)
            replace(node, aten.max_pool2d.default, node.args[0], size)


def _kept_size(node: Node) -> list[int] | None:
    """Height and width of what it reduces to one number; None if it reduces anything else."""
    source, axes, *keep = node.args
    if not (keep and keep[0] and isinstance(source, Node) and len(shape_of(source)) == 4):
        return None
    gone = {one % 4 for one in cast("list[int]", axes)}
    sizes = [shape_of(source)[axis] if axis in gone else 1 for axis in (2, 3)]
    return sizes if gone and gone <= {2, 3} else None


def channel_max_in_steps(program: GraphModule) -> Iterator[str]:
    """Maximum over C, keepdim -> maxima over groups of channels, then over what those returned."""
    for node in calls(program, aten.amax.default):
        source = node.args[0]
        groups = _groups(cast("Node", source)) if _keeps(node, axis=1) else 1
        if groups == 1:
            continue
        yield path_of(node)
        batch, channels, height, width = shape_of(cast("Node", source))
        shape = (batch, groups, channels // groups, height * width)
        value = node.meta["val"]
        grouped = insert(node, aten.reshape.default, source, [*shape], value=value.new_empty(shape))
        fewer = value.new_empty((batch, groups, 1, height * width))
        most = insert(node, aten.amax.default, grouped, [2], True, value=fewer)
        fewer = value.new_empty((batch, 1, 1, height * width))
        most = insert(node, aten.amax.default, most, [1], True, value=fewer)
        replace(node, aten.reshape.default, most, [*shape_of(node)])


def _groups(source: Node) -> int:
    """Into how many groups of at least two its channels are taken apart; 1 is into none."""
    channels = shape_of(source)[1]
    return next((one for one in (16, 8, 4, 2) if channels % one == 0 and channels > one), 1)


def _means(program: GraphModule, *, axis: int) -> Iterator[tuple[Node, Node]]:
    """The means of maps over one axis that keep it, and what they are of."""
    for node in calls(program, aten.mean.dim):
        if _keeps(node, axis=axis):
            yield node, cast("Node", node.args[0])


def _keeps(node: Node, *, axis: int) -> bool:
    """Whether it reduces this axis of a map alone, to one, in its own precision."""
    source, axes, *keep = node.args
    of_map = isinstance(source, Node) and len(shape_of(source)) == 4
    alone = of_map and [one % 4 for one in cast("list[int]", axes)] == [axis]
    return alone and bool(keep and keep[0]) and not node.kwargs


def _convolve(
    program: GraphModule, node: Node, shape: tuple[int, int, int, int], *, groups: int
) -> None:
    """Put a convolution by equal weights of this shape, whose sum is 1, in a mean's place."""
    count = shape[1] * shape[2] * shape[3]
    number = next((one.dtype for one in program.parameters() if one.is_floating_point()), None)
    weight = torch.full(shape, 1 / count, dtype=number or torch.get_default_dtype())
    made = add_constant(program, weight, node)
    replace(node, aten.conv2d.default, node.args[0], made, None, [1, 1], [0, 0], [1, 1], groups)


COLUMN_MEAN_TO_CONVOLUTION = Rewrite(
    "column-mean-to-convolution",
    "ONNX Runtime takes two to three times as long for a mean of columns on Arm, whose "
    "convolutions have no blocked layout to leave",
    frozenset({"onnx"}),
    column_mean_to_convolution,
    precisions=frozenset({"fp32"}),
    targets=frozenset({"aarch64"}),
    unverified=True,
)
STRIP_MEANS_TO_CONVOLUTIONS = Rewrite(
    "strip-means-to-convolutions",
    "ONNX Runtime has no mean of 8-bit numbers, and converts the whole map for it",
    frozenset({"onnx"}),
    strip_means_to_convolutions,
    precisions=frozenset({"int8"}),
)
CHANNEL_MEAN_TO_CONVOLUTION = Rewrite(
    "channel-mean-to-convolution",
    "a mean over channels takes ONNX Runtime eight times as long",
    frozenset({"onnx"}),
    channel_mean_to_convolution,
    precisions=frozenset({"fp32"}),
)
CHANNEL_MAX_IN_STEPS = Rewrite(
    "channel-max-in-steps",
    "ONNX Runtime takes three times as long for a maximum over all channels at once",
    frozenset({"onnx"}),
    channel_max_in_steps,
    precisions=frozenset({"fp32"}),
)
CHANNELS_TO_POOLS = Rewrite(
    "channels-to-pools",
    "a maximum or mean over channels leaves the XNNPACK delegate, and cuts the graph in two",
    frozenset({"executorch"}),
    channels_to_pools,
)
JOINED_BEFORE_TURNED = Rewrite(
    "joined-before-turned",
    "XNNPACK joins maps of one channel pixel by pixel; turned, each is a single copy",
    frozenset({"executorch"}),
    joined_before_turned,
    precisions=frozenset({"fp32", "fp16"}),
)
STRIP_MEAN_OF_ROWS = Rewrite(
    "strip-mean-of-rows",
    "ExecuTorch pools in float32 only, and converts the whole map for it",
    frozenset({"executorch"}),
    strip_mean_of_rows,
    precisions=frozenset({"int8"}),
)
MAP_MAX_TO_POOL = Rewrite(
    "map-max-to-pool",
    "a maximum over a map leaves the XNNPACK delegate, and cuts the graph in two",
    frozenset({"executorch"}),
    map_max_to_pool,
)
