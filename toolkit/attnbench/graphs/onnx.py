"""ONNX files: values are outputs once the graph lists them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError

from attnbench.errors import BadArtifact
from attnbench.graphs.base import Editor, Graph, Node, needed, placed
from attnbench.records import Artifact


class OnnxEditor:
    """See Editor."""

    def __init__(self, artifact: Artifact) -> None:
        try:
            self.model = onnx.load(Path(artifact.path))
            self.infos = _infos(self.model)
        except (DecodeError, onnx.shape_inference.InferenceError) as error:
            raise BadArtifact(f"{artifact.path}: cannot be read as ONNX") from error
        paths = {scope.value: scope.path for scope in artifact.scopes}
        graph = self.model.graph
        constants = {one.name for one in graph.initializer}
        self.graph = Graph(
            placed(_node(one, paths.get(one.output[0]), constants) for one in graph.node),
            tuple(one.name for one in graph.input if one.name not in constants),
            tuple(one.name for one in graph.output),
            {name: shape for name, one in self.infos.items() if (shape := _shape(one))},
            channels_last=False,
        )

    def observed(self, values: Sequence[str]) -> bytes:
        """See Editor."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        model.graph.output.extend(self.infos[value] for value in values)
        return bytes(model.SerializeToString())

    def cut(self, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
        """See Editor."""
        graph = self.model.graph
        nodes = [graph.node[at] for at in needed(self.graph.nodes, inputs, outputs)]
        read = {name for node in nodes for name in node.input}
        part = onnx.helper.make_graph(
            nodes,
            "block",
            [self.infos[name] for name in inputs],
            [self.infos[name] for name in outputs],
            [one for one in graph.initializer if one.name in read],
        )
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        model.graph.CopyFrom(part)
        return bytes(model.SerializeToString())


def _infos(model: Any) -> dict[str, Any]:
    """The types of all values; those that the exporter left out are inferred."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    return {one.name: one for one in (*graph.value_info, *graph.input, *graph.output)}


def _node(node: Any, path: str | None, constants: set[str]) -> Node:
    inputs = tuple(one for one in node.input if one and one not in constants)
    return Node(
        node.output[0], node.op_type, path, inputs, tuple(one for one in node.output if one)
    )


def _shape(info: Any) -> tuple[int, ...]:
    """Of float32 tensors, () of others: only those can be held against PyTorch."""
    tensor = info.type.tensor_type
    if tensor.elem_type != onnx.TensorProto.FLOAT:
        return ()
    return tuple(int(one.dim_value) for one in tensor.shape.dim)


EDITOR: type[Editor] = OnnxEditor
