"""Pools and reductions in the one form that each runtime delegates."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TypeGuard

import torch
from torch.fx import GraphModule, Node

from attnbench.rewrites.base import Rewrite, calls, insert, path_of, replace, shape_of

aten = torch.ops.aten
ALL = frozenset({"onnx", "tflite", "executorch", "coreml"})
RELUS = {aten.relu.default, aten.relu_.default}
CLAMPS = {aten.hardtanh.default, aten.hardtanh_.default}  # ReLU6 among them


def _pooled_axes(node: Node) -> list[int] | None:
    """The axes that an adaptive pool reduces to one; None if it does anything else."""
    source, target = shape_of(node.args[0])[-2:], tuple(node.args[1])  # type: ignore
    axes = [axis for axis, size in enumerate(target, 2) if size == 1]
    kept = all(a == b or b == 1 for a, b in zip(source, target, strict=True))
    return axes if axes and kept and len(shape_of(node.args[0])) == 4 else None  # type: ignore


def adaptive_avg_to_mean(program: GraphModule) -> Iterator[str]:
    """adaptive_avg_pool2d to (1, 1), (H, 1) or (1, W) -> mean over what becomes one."""
    for node in calls(program, aten.adaptive_avg_pool2d.default):
        if axes := _pooled_axes(node):
            yield path_of(node)
            replace(node, aten.mean.dim, node.args[0], axes, True)


def adaptive_max_to_amax(program: GraphModule) -> Iterator[str]:
    """adaptive_max_pool2d to (1, 1), (H, 1) or (1, W), its indices unused -> amax."""
    for node in calls(program, aten.adaptive_max_pool2d.default):
        if (axes := _pooled_axes(node)) and (values := _only_values(node)):
            yield path_of(node)
            replace(values, aten.amax.default, node.args[0], axes, True)


def max_dim_to_amax(program: GraphModule) -> Iterator[str]:
    """torch.max(x, dim)[0], its indices unused -> amax."""
    for node in calls(program, aten.max.dim):
        if values := _only_values(node):
            yield path_of(node)
            source, axis, *keep = node.args
            replace(values, aten.amax.default, source, [axis], bool(keep and keep[0]))


def _only_values(node: Node) -> Node | None:
    """The getitem 0 of a (values, indices) pair whose indices nobody reads."""
    used = [user for user in node.users if user.users and user.target is operator.getitem]
    return used[0] if len(used) == 1 and used[0].args[1] == 0 else None


def mean_keeps_dim(program: GraphModule) -> Iterator[str]:
    """mean(x, (2, 3)) without keepdim -> with keepdim, then a view."""
    for node in calls(program, aten.mean.dim):
        source, axes, *keep = node.args
        if (keep and keep[0]) or node.kwargs or not _spatial(source, axes):
            continue
        yield path_of(node)
        fake = node.meta["val"]
        kept = insert(
            node, aten.mean.dim, source, [2, 3], True, value=fake.new_empty((*fake.shape, 1, 1))
        )
        replace(node, aten.view.default, kept, list(shape_of(node)))


def _is_map(source: object) -> TypeGuard[Node]:
    """Whether it is an (N, C, H, W) tensor."""
    return isinstance(source, Node) and len(shape_of(source)) == 4


def _spatial(source: object, axes: object) -> bool:
    return _is_map(source) and sorted(axis % 4 for axis in axes) == [2, 3]  # type: ignore


def axis_mean_to_avg_pool(program: GraphModule) -> Iterator[str]:
    """Mean over one spatial axis, keepdim -> avg_pool2d with a kernel as long as the axis."""
    for node in calls(program, aten.mean.dim):
        source, axes, *keep = node.args
        if not (keep and keep[0]) or node.kwargs or not _is_map(source):
            continue
        axis = axes[0] % 4 if len(axes) == 1 else 0  # type: ignore
        if axis in (2, 3):
            yield path_of(node)
            kernel = [size if at == axis else 1 for at, size in enumerate(shape_of(source))][2:]
            replace(node, aten.avg_pool2d.default, source, kernel)


def max_pool_pads_zero(program: GraphModule) -> Iterator[str]:
    """max_pool2d with padding, of what a ReLU returned -> zeros around it, pool without padding."""
    for node in calls(program, aten.max_pool2d.default):
        down, across = _padding(node, ceil_mode=5)
        if (down, across) != (0, 0) and _never_negative(node.args[0]):
            yield path_of(node)
            padded = _zeros_around(node, down, across)
            dilation = node.args[4:5]
            replace(node, aten.max_pool2d.default, padded, *node.args[1:3], [0, 0], *dilation)


def avg_pool_pads_zero(program: GraphModule) -> Iterator[str]:
    """avg_pool2d that counts its padding -> zeros around the map, pool without padding."""
    for node in calls(program, aten.avg_pool2d.default):
        down, across = _padding(node, ceil_mode=4)
        counts_all = all(node.args[5:6]) and not any(node.args[6:7])  # zeros too, by the kernel
        if (down, across) != (0, 0) and counts_all:
            yield path_of(node)
            padded = _zeros_around(node, down, across)
            replace(node, aten.avg_pool2d.default, padded, *node.args[1:3])


def pool_rounds_nothing(program: GraphModule) -> Iterator[str]:
    """avg_pool2d that rounds its size up, where there is nothing to round -> rounding down."""
    for node in calls(program, aten.avg_pool2d.default):
        if any(node.args[4:5]) and _fits(node):
            yield path_of(node)
            node.args = (*node.args[:4], False, *node.args[5:])


def _fits(pool: Node) -> bool:
    """Whether its windows end where the map, and what is padded, ends."""
    sizes = zip(shape_of(pool.args[0])[2:], *pool.args[1:4], strict=True)  # type: ignore
    return all((size + 2 * pad - kernel) % step == 0 for size, kernel, step, pad in sizes)


def _padding(node: Node, *, ceil_mode: int) -> tuple[int, int]:
    """Rows and columns around a pool; none for one that rounds up, to which they are not alike."""
    if len(node.args) < 4 or any(node.args[ceil_mode : ceil_mode + 1]):
        return 0, 0
    down, across = node.args[3]  # type: ignore
    return int(down), int(across)  # type: ignore


def _zeros_around(pool: Node, down: int, across: int) -> Node:
    """What a pool works on, with rows and columns of zeros on both sides."""
    source = pool.args[0]
    *outer, height, width = shape_of(source)  # type: ignore
    shape = (*outer, height + 2 * down, width + 2 * across)
    value = pool.meta["val"].new_empty(shape)
    sides = [across, across, down, down]
    return insert(pool, aten.constant_pad_nd.default, source, sides, 0.0, value=value)


def _never_negative(source: object) -> TypeGuard[Node]:
    """Whether it is what a ReLU or ReLU6 returned."""
    if not isinstance(source, Node):
        return False
    return source.target in RELUS or (source.target in CLAMPS and source.args[1:2] == (0,))


ADAPTIVE_AVG_TO_MEAN = Rewrite(
    "adaptive-avg-to-mean",
    "adaptive average pools are portable operators outside the XNNPACK delegate",
    ALL,
    adaptive_avg_to_mean,
)
ADAPTIVE_MAX_TO_AMAX = Rewrite(
    "adaptive-max-to-amax",
    "adaptive max pools do not convert to TFLite or ExecuTorch",
    ALL,
    adaptive_max_to_amax,
)
MAX_DIM_TO_AMAX = Rewrite(
    "max-dim-to-amax",
    "torch.max(x, dim) also computes indices that nobody reads, and stops ExecuTorch",
    ALL,
    max_dim_to_amax,
)
MEAN_KEEPS_DIM = Rewrite(
    "mean-keeps-dim",
    "XNNPACK in ExecuTorch takes a spatial mean only with keepdim",
    frozenset({"executorch"}),
    mean_keeps_dim,
)
AXIS_MEAN_TO_AVG_POOL = Rewrite(
    "axis-mean-to-avg-pool",
    "a mean over one axis falls out of the XNNPACK delegate and cuts the graph in two",
    frozenset({"executorch"}),
    axis_mean_to_avg_pool,
)
MAX_POOL_PADS_ZERO = Rewrite(
    "max-pool-pads-zero",
    "litert-torch pads a maximum with -inf, by an operator outside the XNNPACK delegate",
    frozenset({"tflite"}),
    max_pool_pads_zero,
)
AVG_POOL_PADS_ZERO = Rewrite(
    "avg-pool-pads-zero",
    "XNNPACK in ExecuTorch leaves out a mean that counts the zeros around a map",
    frozenset({"executorch"}),
    avg_pool_pads_zero,
)
POOL_ROUNDS_NOTHING = Rewrite(
    "pool-rounds-nothing",
    "XNNPACK in ExecuTorch leaves out a mean that might round its size up, as in ResNet-D",
    frozenset({"executorch"}),
    pool_rounds_nothing,
)
