"""ExecuTorch, delegated to XNNPACK."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from executorch.exir.error import ExportError as ExirError
from torch._export.verifier import SpecViolationError

from attnbench.backends.base import Exported, Quantisation, words
from attnbench.backends.executorch_int8 import quantised
from attnbench.backends.executorch_passes import only_useful_passes
from attnbench.backends.formats import EXECUTORCH
from attnbench.backends.half import halved
from attnbench.errors import ExportError
from attnbench.records import Delegation, Scope, Undelegated
from attnbench.rewrites.base import flattened, path_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule, Node

    from attnbench.backends.base import Quantising

REFUSALS = (
    ExirError,
    SpecViolationError,
    RuntimeError,
    ValueError,
    TypeError,
    NotImplementedError,
    AssertionError,
)
"""What exir, its verifiers and the XNNPACK lowering raise when they refuse a graph."""

LIBRARY = re.compile(r"^(aten|dim_order_ops|quantized_decomposed)\.")

BOOKKEEPING = ("getitem", "alloc", "memory.view")
"""Calls in the lowered graph that are no instruction of the program."""


class ExecuTorch:
    """One method `forward`, static shapes, memory planned ahead."""

    format = EXECUTORCH

    def export(self, program: GraphModule, example: Sequence[Tensor], path: Path) -> Exported:
        """See Backend."""
        return self._lowered(flattened(program), example, path)

    def quantise(
        self, program: GraphModule, example: Sequence[Tensor], path: Path, wanted: Quantisation
    ) -> Exported:
        """See Quantising."""
        flat = flattened(program)
        if wanted.precision == "fp16":
            return self._lowered(halved(flat, wanted.keeps), example, path)
        return self._lowered(quantised(flat, wanted), example, path)

    def _lowered(self, program: GraphModule, example: Sequence[Tensor], path: Path) -> Exported:
        try:
            exported = torch.export.export(program, tuple(example))
            with only_useful_passes():
                edge = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
            scopes = tuple(_scopes(edge.exported_program().graph_module))
            made = edge.to_executorch()
        except REFUSALS as error:
            raise ExportError(f"executorch: exir refused the model: {words(error)}") from error
        path.write_bytes(made.buffer)
        return Exported(scopes, _delegation(scopes))


def _scopes(lowered: GraphModule) -> Iterator[Scope]:
    """The program's instructions in order; a delegate's are the nodes that were put into it."""
    delegates = 0
    for node in lowered.graph.nodes:
        if node.op != "call_function" or any(word in str(node.target) for word in BOOKKEEPING):
            continue
        if "executorch_call_delegate" in str(node.target):
            inner = getattr(lowered, str(node.args[0].target)).original_module.graph_module
            yield from (_scope(one, delegates) for one in inner.graph.nodes if _counts(one))
            delegates += 1
        else:
            yield _scope(node, None)


def _counts(node: Node) -> bool:
    return node.op == "call_function" and "getitem" not in str(node.target)


def _scope(node: Node, delegate: int | None) -> Scope:
    """A node as a scope; depthwise convolutions and folded transposes are kinds of their own."""
    name = str(getattr(node.target, "_op", node.target))
    kind = LIBRARY.sub("", name)
    if kind.startswith("convolution") and _is_depthwise(node):
        kind = f"depthwise_{kind}"
    elif kind.startswith("permute") and delegate is not None and _is_transposed_operand(node):
        kind = f"operand_{kind}"
    return Scope(
        node.name, kind, path_of(node) if "nn_module_stack" in node.meta else None, delegate
    )


def _is_depthwise(node: Any) -> bool:
    groups, channels = node.args[8], node.args[0].meta["val"].shape[1]
    return bool(groups > 1 and groups == channels)


def _is_transposed_operand(node: Any) -> bool:
    """Whether it swaps the axes of a product's second operand: XNNPACK reads that as it is."""
    *batch, rows, columns = node.args[1]
    swaps = [rows, columns] == [len(batch) + 1, len(batch)] and batch == [*range(len(batch))]
    return swaps and all("bmm" in str(u.target) and u.args[1] is node for u in node.users)


def _delegation(scopes: Sequence[Scope]) -> Delegation:
    ordinals = {scope.delegate for scope in scopes} - {None}
    inside = sum(scope.delegate is not None for scope in scopes)
    outside = tuple(
        Undelegated(scope.operator, scope.path, "not in XNNPACK's partition")
        for scope in scopes
        if scope.delegate is None
    )
    return Delegation(len(ordinals), inside, outside)


BACKEND: Quantising = ExecuTorch()
