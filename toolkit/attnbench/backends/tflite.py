"""TFLite through litert-torch, executed by LiteRT (ai-edge-litert) with XNNPACK."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import litert_torch
from ai_edge_litert import schema_py_generated as schema

from attnbench.attribution import Located
from attnbench.attribution.litert import locate
from attnbench.backends.base import Exported
from attnbench.errors import ExportError
from attnbench.records import Artifact, Delegation, Scope, Trace
from attnbench.rewrites.base import path_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule

    from attnbench.backends.base import Backend

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

    name = "tflite"
    suffix = ".tflite"
    engine = "litert"
    packages = ("torch", "litert-torch", "litert-converter", "ai-edge-litert")

    def export(self, program: GraphModule, example: Sequence[Tensor], path: Path) -> Exported:
        """See Backend."""
        labelled, labels = _labelled(program)
        try:
            made = litert_torch.convert(labelled, tuple(example))
        except REFUSALS as error:
            words = " ".join(str(error).split())[:300] or type(error).__name__
            raise ExportError(f"tflite: litert-torch refused the model: {words}") from error
        made.export(str(path))
        scopes = _scopes(path.read_bytes(), labels)
        return Exported(scopes, Delegation(delegates=0, delegated=0))

    def locate(self, trace: Trace, artifact: Artifact) -> Located:
        """See Backend."""
        return locate(trace, artifact.scopes)


def _labelled(program: GraphModule) -> tuple[GraphModule, dict[str, str]]:
    """
    A copy whose operators carry their whole module path as one label, and label -> path.

    litert-torch builds tensor names from the class and the last name of every enclosing module;
    a class name with an underscore makes that ambiguous. One synthetic module a node does not.
    """
    labelled, labels = copy.deepcopy(program), {}
    for node in labelled.graph.nodes:
        if "nn_module_stack" in node.meta:
            path = path_of(node)
            label = path.replace(".", "/") or "(model)"
            labels[label] = path
            node.meta["nn_module_stack"] = {label: ("", label)}
    return labelled, labels


def _scopes(flatbuffer: bytes, labels: Mapping[str, str]) -> tuple[Scope, ...]:
    """The operators of the first subgraph in execution order, with where they come from."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
    kinds = {code: name for name, code in vars(schema.BuiltinOperator).items() if name[0] != "_"}
    graph = model.subgraphs[0]
    return tuple(_scope(operator, graph, model, kinds, labels) for operator in graph.operators)


def _scope(
    operator: Any, graph: Any, model: Any, kinds: Mapping[int, str], labels: Mapping[str, str]
) -> Scope:
    code = model.operatorCodes[operator.opcodeIndex]
    value = graph.tensors[operator.outputs[0]].name.decode()
    pieces = [piece.strip("/") for piece in value.split(";")]
    known = [labels[piece] for piece in pieces if piece in labels]
    kind = kinds[max(code.builtinCode, code.deprecatedBuiltinCode)]
    return Scope(value, kind, known[0] if known else None)


BACKEND: Backend = TFLite()
