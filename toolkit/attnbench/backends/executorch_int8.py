"""ExecuTorch in 8 bits: the program with the quantiser's operators in it, for XNNPACK to take."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    XNNPACKQuantizer,
    get_symmetric_quantization_config,
)
from torchao.quantization.pt2e import MinMaxObserver
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
from torchao.quantization.pt2e.quantizer import QuantizationAnnotation

from attnbench.backends.base import Quantisation
from attnbench.rewrites.base import add_constant, calls, constant, origin, path_of

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

STACK = "nn_module_stack"
ANNOTATION = "quantization_annotation"
CLAMPS = (torch.ops.aten.hardtanh.default, torch.ops.aten.hardtanh_.default)
MEANS = (torch.ops.aten.mean.dim, torch.ops.aten.mean.default)


class OwnRanges(XNNPACKQuantizer):  # type: ignore[misc]  # executorch has no types
    """
    Theirs, which lets ReLU6 and means share the range of what they take, and wastes its steps.

    Here a convolution's output is rounded after ReLU6, and a mean has a range of its own.
    """

    def annotate(self, model: GraphModule) -> GraphModule:
        """Say which values are quantised, in the nodes' meta."""
        made: GraphModule = super().annotate(model)
        for node in calls(made, *CLAMPS):
            source = node.all_input_nodes[0].meta.get(ANNOTATION)
            if source is not None and len(node.all_input_nodes[0].users) == 1:
                source.output_qspec = None
                self._round(node)
        for node in calls(made, *MEANS):
            if ANNOTATION in node.meta:
                self._round(node)
        return made

    def _round(self, node: Node) -> None:
        """Take the range of what an operator returns, whatever it takes."""
        activation = self.global_config.output_activation
        node.meta[ANNOTATION] = QuantizationAnnotation(output_qspec=activation, _annotated=True)


def quantised(program: GraphModule, wanted: Quantisation) -> GraphModule:
    """
    A copy that quantises: activations by tensor, over all that was seen, and weights by channel.

    What is inserted belongs to the module of what it quantises, or else of what reads it.
    """
    usual = get_symmetric_quantization_config(is_per_channel=True)
    # The usual observer cuts ranges off where it holds that to be worth it.
    activation = replace(usual.input_activation, observer_or_fake_quant_ctr=MinMaxObserver)
    quantizer = OwnRanges().set_global(
        replace(usual, input_activation=activation, output_activation=activation)
    )
    quantizer.set_filter_function(lambda node: not wanted.keeps(path_of(node)))
    prepared = prepare_pt2e(_unshared(program), quantizer)
    with torch.no_grad():
        for sample in wanted.samples:
            prepared(*sample)
    made: GraphModule = convert_pt2e(prepared)
    inserted = [node for node in made.graph.nodes if "quantize_per" in str(node.target)]
    for node in (*inserted, *inserted[::-1]):
        near = (one for one in (node.args[0], *node.users) if STACK in one.meta)
        node.meta |= origin(next(near, node))
    return made


def _unshared(program: GraphModule) -> GraphModule:
    """A copy in which no two operators share a weight: such a file is made, and does not load."""
    apart = copy.deepcopy(program)
    seen: set[object] = set()
    for node in list(apart.graph.nodes):
        for source in node.all_input_nodes:
            value = constant(apart, source)
            if value is None:
                continue
            if source.target in seen:
                node.replace_input_with(source, add_constant(apart, value.clone(), node))
            seen.add(source.target)
    apart.recompile()
    return apart
