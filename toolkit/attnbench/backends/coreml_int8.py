"""Core ML in 8 bits: the graph with quantising operators in it, for coremltools to take."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.ao.quantization.fx import _decomposed  # noqa: F401  (registers the operators)

from attnbench.backends.base import Quantisation
from attnbench.rewrites.base import add_constant, calls, constant, origin, path_of

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

STACK = "nn_module_stack"
aten = torch.ops.aten
decomposed = torch.ops.quantized_decomposed

CHANNELS: Mapping[object, int] = {
    aten.conv2d.default: 0,
    aten.conv2d.padding: 0,
    aten.convolution.default: 0,
    aten.linear.default: 0,
    aten.conv_transpose2d.input: 1,
}
"""Operators whose second argument has weights, and which axis of it the output channels are."""

UNSIGNED, SIGNED = (0, 255, torch.uint8), (-127, 127, torch.int8)
"""Least and largest number of activations and of weights, and how they are stored."""

HALF, SMALLEST = torch.finfo(torch.float16), 2.0**-24
"""What scales are stored in, and the smallest of it above 0."""


def quantised(program: GraphModule, wanted: Quantisation) -> GraphModule:
    """
    A copy that quantises: activations by tensor, over all that was seen, and weights by channel.

    What is inserted belongs to the module of the value; of inputs and weights, to their reader's.
    """
    made = copy.deepcopy(program)
    for node in calls(made, *CHANNELS):
        weights = constant(made, node.args[1])
        if weights is not None and not wanted.keeps(path_of(node)):
            _store(made, node, weights)
    for node in list(made.graph.nodes):
        if node.name in wanted.ranges and _is_stored(node, wanted):
            _round(node, *wanted.ranges[node.name])
    made.recompile()
    return made


def _is_stored(node: Node, wanted: Quantisation) -> bool:
    """Whether it, or an operator that reads it, computes with numbers of 8 bits."""
    readers = (user for user in node.users if user.op == "call_function")
    return any(not wanted.keeps(path_of(one)) for one in (node, *readers))


def _store(program: GraphModule, reader: Node, weights: Tensor) -> None:
    """Let an operator read weights of 8 bits, symmetric around 0 in each output channel."""
    axis, before = CHANNELS[reader.target], cast("Node", reader.args[1])
    others = [at for at in range(weights.dim()) if at != axis]
    low, high, kind = SIGNED
    scales = weights.abs().amax(others, keepdim=True) / high
    # Of those that are smaller float16 has but a few digits: weights would be off by a factor.
    scales = torch.where(scales < HALF.tiny, scales.half().clamp_min(SMALLEST).float(), scales)
    whole = (weights / scales).round().clamp(low, high).to(kind)
    zeros = torch.zeros(scales.numel(), dtype=kind)
    stored = [add_constant(program, one, reader) for one in (whole, scales.flatten(), zeros)]
    with program.graph.inserting_before(reader):
        read = program.graph.call_function(
            decomposed.dequantize_per_channel.default, (*stored, axis, low, high, kind)
        )
    read.meta = origin(reader) | {"val": before.meta["val"]}
    reader.update_arg(1, read)


def _round(node: Node, low: float, high: float) -> None:
    """Store what an operator returns in 8 bits; what reads it gets the numbers back."""
    least, largest, kind = UNSIGNED
    scale = (high - low) / (largest - least) or 1.0
    steps = (scale, round(-low / scale), least, largest, kind)
    readers = list(node.users)
    with node.graph.inserting_after(node):
        stored = node.graph.call_function(decomposed.quantize_per_tensor.default, (node, *steps))
    with node.graph.inserting_after(stored):
        taken = node.graph.call_function(decomposed.dequantize_per_tensor.default, (stored, *steps))
    near = next((one for one in (node, *readers) if STACK in one.meta), node)
    for one in (stored, taken):
        one.meta = origin(near) | {"val": node.meta["val"]}
    for reader in readers:
        reader.replace_input_with(node, taken)
