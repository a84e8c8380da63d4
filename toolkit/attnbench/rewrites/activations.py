"""Activations that a converter takes apart in a way that its runtime does not take."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.fx import GraphModule

from attnbench.rewrites.base import Rewrite, calls, insert, path_of, replace

aten = torch.ops.aten


def hard_sigmoid_to_clamp(program: GraphModule) -> Iterator[str]:
    """hardsigmoid(x) -> clamp(x + 3.0, 0.0, 6.0) / 6.0, by which it is defined."""
    for node in calls(program, aten.hardsigmoid.default):
        yield path_of(node)
        value = node.meta["val"]
        shifted = insert(node, aten.add.Tensor, node.args[0], 3.0, value=value)
        clamped = insert(node, aten.clamp.default, shifted, 0.0, 6.0, value=value)
        replace(node, aten.div.Tensor, clamped, 6.0)


HARD_SIGMOID_TO_CLAMP = Rewrite(
    "hard-sigmoid-to-clamp",
    "ExecuTorch adds a whole number, and converts it to float32 outside the XNNPACK delegate",
    frozenset({"executorch"}),
    hard_sigmoid_to_clamp,
)
