"""The passes of XNNPACK's lowering that a graph has no use for, left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from unittest.mock import patch

from executorch.backends.xnnpack._passes import XNNPACKPassManager
from executorch.backends.xnnpack._passes.convert_to_sdpa import ConvertToSDPAPass
from executorch.backends.xnnpack._passes.convert_to_upsample_bilinear2d import (
    ConvertToUpsampleBilinear2d,
)
from executorch.backends.xnnpack._passes.decompose_cat import DecomposeConcatenate
from executorch.backends.xnnpack._passes.prelu_reshape_pass import PReLUReshapePass

SEEKS: Mapping[type, str] = {
    ConvertToUpsampleBilinear2d: "aten.upsample_bilinear2d.vec",
    ConvertToSDPAPass: "aten._softmax.default",
    PReLUReshapePass: "aten._prelu_kernel.default",
    DecomposeConcatenate: "aten.cat.default",
}
"""
An operator without which a pass finds nothing.

It traces the whole graph again all the same; the first two also export patterns of their own, six
of them, before they look.
"""


@contextmanager
def only_useful_passes() -> Iterator[None]:
    """Within, XNNPACK's lowering leaves out the passes that would find nothing."""
    transform = XNNPACKPassManager.transform

    def useful(self: XNNPACKPassManager) -> object:
        nodes = self.exported_program.graph.nodes
        there = {getattr(node.target, "__name__", "") for node in nodes}
        self.passes = [one for one in self.passes if SEEKS.get(one) in (None, *there)]
        return transform(self)

    with patch.object(XNNPACKPassManager, "transform", useful):
        yield
