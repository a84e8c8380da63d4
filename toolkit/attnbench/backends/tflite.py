"""TFLite through litert-torch, executed by LiteRT (ai-edge-litert) with XNNPACK."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import litert_torch
import torch
from ai_edge_litert import schema_py_generated as schema
from torch.utils._pytree import tree_leaves

from attnbench.backends.base import Exported, Quantisation, words
from attnbench.backends.formats import TFLITE
from attnbench.backends.tflite_quantised import quantised
from attnbench.errors import ExportError
from attnbench.records import Delegation, Scope
from attnbench.rewrites.base import calls, flattened, path_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule

    from attnbench.backends.base import Quantising

PERMUTATIONS = (
    torch.ops.aten.permute.default,
    torch.ops.aten.transpose.int,
    torch.ops.aten.t.default,
    torch.ops.aten.numpy_T.default,
    torch.ops.aten.linear.default,
)
"""Operators that may become a TFLite TRANSPOSE of the model's own."""

ELEMENTWISE = ("ADD", "SUB", "MUL", "DIV")
"""Operators whose fused activation is a kernel of its own in XNNPACK, unlike a convolution's."""

REFUSALS = (
    RuntimeError,
    ValueError,
    TypeError,
    NotImplementedError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
)
"""What litert-torch and the MLIR bindings below it raise; they have no exception of their own."""


class TFLite:
    """One signature, NCHW inputs as in PyTorch, static shapes."""

    format = TFLITE

    def export(self, program: GraphModule, example: Sequence[Tensor], path: Path) -> Exported:
        """See Backend."""
        origin = _converted(program, example, path)
        return Exported(_scopes(path.read_bytes(), origin), Delegation(delegates=0, delegated=0))

    def quantise(
        self, program: GraphModule, example: Sequence[Tensor], path: Path, wanted: Quantisation
    ) -> Exported:
        """
        See Quantising. Both are made of the float32 file; fp16 is of weights alone.

        In 8 bits a LayerNorm stays float32: it is made of squares and roots, for which XNNPACK
        would cut the graph in pieces.
        """
        origin = _converted(program, example, path)
        if wanted.precision == "int8":
            norms = {path_of(node) for node in calls(program, torch.ops.aten.layer_norm.default)}
            wanted = replace(wanted, keep_float=(*wanted.keep_float, *sorted(norms)))
        path.write_bytes(quantised(path, wanted))
        return Exported(_scopes(path.read_bytes(), origin), Delegation(delegates=0, delegated=0))


def _converted(program: GraphModule, example: Sequence[Tensor], path: Path) -> Origin:
    """Write the float32 file; what its operators' names mean."""
    labelled, labels = _labelled(program)
    try:
        made = litert_torch.convert(labelled, tuple(example))
    except REFUSALS as error:
        raise ExportError(f"tflite: litert-torch refused the model: {words(error)}") from error
    made.export(str(path))
    return Origin.of(program, labels)


def _labelled(program: GraphModule) -> tuple[GraphModule, dict[str, str]]:
    """
    A copy whose operators carry their whole module path as one label, and label -> path.

    litert-torch builds tensor names from the class and the last name of every enclosing module;
    a class name with an underscore makes that ambiguous. One synthetic module a node does not.
    """
    labelled, labels = flattened(program), {}
    for node in labelled.graph.nodes:
        if "nn_module_stack" in node.meta:
            path = path_of(node)
            label = path.replace(".", "/") or "(model)"
            labels[label] = path
            node.meta["nn_module_stack"] = {label: ("", label)}
    return labelled, labels


@dataclass(frozen=True, slots=True)
class Origin:
    """
    What is known of the PyTorch graph when its flatbuffer is read.

    `labels` maps tensor name pieces to module paths, `outputs` has the path of each output's
    operator (its tensor is renamed), `permuting` the modules that transpose by themselves.
    """

    labels: Mapping[str, str]
    outputs: tuple[str, ...]
    permuting: frozenset[str]

    @classmethod
    def of(cls, program: GraphModule, labels: Mapping[str, str]) -> Origin:
        """What `program` tells."""
        output = next(node for node in program.graph.nodes if node.op == "output")
        returned = tree_leaves(output.args[0])
        return cls(
            labels,
            tuple(path_of(node) for node in returned),
            frozenset(path_of(node) for node in calls(program, *PERMUTATIONS)),
        )


def _scopes(flatbuffer: bytes, origin: Origin) -> tuple[Scope, ...]:
    """The operators of the first subgraph in execution order, with where they come from."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
    kinds = {code: name for name, code in vars(schema.BuiltinOperator).items() if name[0] != "_"}
    graph = model.subgraphs[0]
    outputs = dict(zip((int(index) for index in graph.outputs), origin.outputs, strict=True))
    scopes: list[Scope] = []
    readers: dict[int, str | None] = {}
    for operator in reversed(graph.operators):
        code = model.operatorCodes[operator.opcodeIndex]
        kind = kinds[max(code.builtinCode, code.deprecatedBuiltinCode)]
        index = int(operator.outputs[0])
        value, path = graph.tensors[index].name.decode(), outputs.get(index)
        made = [_scope(value, one, path, origin) for one in _steps(operator, kind)]
        if made[0].path is None:
            # The quantiser renames what it inserts at the model's border.
            made = [replace(one, path=readers.get(index)) for one in made]
        readers |= {int(at): made[0].path for at in operator.inputs}
        scopes = made + scopes
    return tuple(scopes)


def _steps(operator: Any, kind: str) -> Iterator[str]:
    """What XNNPACK makes of an operator: some have parts that it runs as kernels of their own."""
    options = operator.builtinOptions
    if kind == "BATCH_MATMUL" and options.adjX:
        yield "TRANSPOSE"
    yield kind
    if kind in ELEMENTWISE and options.fusedActivationFunction:
        yield "RELU"


def _scope(value: str, kind: str, path: str | None, origin: Origin) -> Scope:
    """
    The scope of an operator whose first output is called `value`.

    The name lists the modules of what was fused into the operator, the last one first.
    """
    if path is None:
        pieces = (piece.strip("/") for piece in value.split(";"))
        path = next((origin.labels[piece] for piece in pieces if piece in origin.labels), None)
    inserted = kind == "TRANSPOSE" and path is not None and path not in origin.permuting
    return Scope(value, kind, path, inserted=inserted)


BACKEND: Quantising = TFLite()
