"""What depends on weights alone is computed once, at export."""

from __future__ import annotations

import operator
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.fx import GraphModule, Node

from attnbench.rewrites.base import (
    Rewrite,
    add_constant,
    calls,
    constant,
    is_in_place,
    path_of,
    replace,
    shape_of,
)

aten = torch.ops.aten
ALL = frozenset({"onnx", "tflite", "executorch", "coreml"})
CONVOLUTIONS = (aten.conv2d.default, aten.conv1d.default)


def fold_constants(program: GraphModule) -> Iterator[str]:
    """An operator whose inputs are all weights, or that has none -> the tensors that it returns."""
    writes = any(is_in_place(node) for node in program.graph.nodes)
    for node in list(program.graph.nodes):
        if node.op != "call_function" or not _results(node) or _is_random(node):
            continue
        inputs = {arg: constant(program, arg) for arg in node.all_input_nodes}
        if any(value is None for value in inputs.values()):
            continue
        if not inputs and writes:  # it may be what is written into
            continue
        yield path_of(node)
        args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs), inputs.__getitem__)
        with torch.no_grad():
            made = node.target(*args, **kwargs)
        for result, index in _results(node).items():
            value = made if index is None else made[index]
            result.replace_all_uses_with(add_constant(program, value.contiguous(), result))
            program.graph.erase_node(result)
        if isinstance(made, (list, tuple)):
            program.graph.erase_node(node)


def _results(node: Node) -> dict[Node, int | None]:
    """The nodes that stand for an operator's tensors, and which of several each is; {} if none."""
    value = node.meta.get("val")
    if isinstance(value, Tensor):
        return {} if node.target is operator.getitem else {node: None}
    if isinstance(value, (list, tuple)) and all(isinstance(one, Tensor) for one in value):
        return {user: user.args[1] for user in node.users if user.target is operator.getitem}  # type: ignore[misc]
    return {}


def _is_random(node: Node) -> bool:
    """Whether it draws numbers: then it is another tensor at every inference."""
    return torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())


def fold_batchnorm(program: GraphModule) -> Iterator[str]:
    """BatchNorm -> into the convolution before it, else one scale and one shift a channel."""
    for node in calls(program, aten.batch_norm.default):
        affine = _affine(program, node)
        if affine is None:
            continue
        yield path_of(node)
        scale, shift = affine
        source = node.args[0]
        if isinstance(source, Node) and _is_fixed_convolution(program, source):
            _into_convolution(program, source, scale, shift)
            node.replace_all_uses_with(source)
            program.graph.erase_node(node)
        else:
            _standing_alone(program, node, scale, shift)


def _affine(program: GraphModule, node: Node) -> tuple[Tensor, Tensor] | None:
    """BatchNorm in eval mode as (scale, shift) a channel, in float64."""
    gamma, beta, mean, var = (constant(program, arg) for arg in node.args[1:5])
    training, eps = bool(node.args[5]), float(node.args[7])  # type: ignore[arg-type]
    if training or mean is None or var is None:
        return None
    scale = (var.double() + eps).rsqrt()
    if gamma is not None:
        scale = scale * gamma.double()
    shift = -mean.double() * scale
    return scale, shift if beta is None else shift + beta.double()


def _is_fixed_convolution(program: GraphModule, node: Node) -> bool:
    """A convolution with constant weights whose result nobody else reads."""
    is_conv = node.op == "call_function" and node.target in CONVOLUTIONS
    return is_conv and len(node.users) == 1 and constant(program, node.args[1]) is not None


def _into_convolution(program: GraphModule, node: Node, scale: Tensor, shift: Tensor) -> None:
    weight = constant(program, node.args[1])
    bias = constant(program, node.args[2]) if len(node.args) > 2 else None
    assert weight is not None  # _is_fixed_convolution has looked
    shape = (-1, *[1] * (weight.dim() - 1))
    folded = (weight.double() * scale.view(shape)).to(weight.dtype)
    offset = (shift if bias is None else bias.double() * scale + shift).to(weight.dtype)
    args = (node.args[0], add_constant(program, folded, node), add_constant(program, offset, node))
    node.args = (*args, *node.args[3:])


def _standing_alone(program: GraphModule, node: Node, scale: Tensor, shift: Tensor) -> None:
    """X * scale + shift; a product with a constant a channel that follows is folded in."""
    outer = next(iter(node.users)) if len(node.users) == 1 else None
    if outer is not None and outer.target is aten.mul.Tensor:
        factor = _per_channel(program, outer, node)
        if factor is not None:
            scale, shift = scale * factor, shift * factor
            outer.replace_all_uses_with(node)
            program.graph.erase_node(outer)
    mean = constant(program, node.args[3])
    assert mean is not None  # _affine has looked
    shape, dtype = (1, -1, *[1] * (len(shape_of(node)) - 2)), mean.dtype
    by = add_constant(program, scale.to(dtype).view(shape), node)
    plus = add_constant(program, shift.to(dtype).view(shape), node)
    with program.graph.inserting_before(node):
        product = program.graph.call_function(aten.mul.Tensor, (node.args[0], by))
    product.meta = dict(node.meta)
    replace(node, aten.add.Tensor, product, plus)


def _per_channel(program: GraphModule, product: Node, node: Node) -> Tensor | None:
    """The other factor, in float64, if it is a constant with one value a channel of `node`."""
    others = [arg for arg in product.args if arg is not node]
    value = constant(program, others[0]) if len(others) == 1 else None
    rank, channels = len(shape_of(node)), shape_of(node)[1]
    if value is None or tuple(value.shape)[-(rank - 1) :] != (channels, *[1] * (rank - 2)):
        return None
    return value.double().flatten() if value.numel() == channels else None


FOLD_CONSTANTS = Rewrite(
    "fold-constants",
    "what depends on weights alone is computed again at every inference",
    ALL,
    fold_constants,
)
FOLD_BATCHNORM = Rewrite(
    "fold-batchnorm",
    "each converter folds BatchNorm in its own order and precision; a BatchNorm (and NAM's "
    "weight) that follows no convolution stays a chain of operators",
    ALL,
    fold_batchnorm,
    moves=True,
)
