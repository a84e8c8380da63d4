"""ONNX files: values are outputs once the graph lists them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError

from attnbench.errors import BadArtifact
from attnbench.graphs.base import Content, Editor, Graph, Node, needed, placed
from attnbench.records import Artifact

DEQUANTISE = "DequantizeLinear"
NUMBERS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)

OUTSIDE = "_outside"
"""What is appended to the name of a value that has another type, or more bits, at the border."""


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
        self.makers = {name: node for node in graph.node for name in node.output}
        self.graph = Graph(
            placed(_node(one, paths.get(one.output[0]), constants) for one in graph.node),
            tuple(one.name for one in graph.input if one.name not in constants),
            tuple(one.name for one in graph.output),
            {name: shape for name, one in self.infos.items() if (shape := _shape(one))},
            channels_last=False,
        )

    def observed(self, values: Sequence[str]) -> Content:
        """See Editor."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        for info, nodes in map(self._exit, values):
            model.graph.output.append(info)
            model.graph.node.extend(nodes)
        return bytes(model.SerializeToString())

    def cut(self, inputs: Sequence[str], outputs: Sequence[str]) -> Content:
        """See Editor."""
        graph = self.model.graph
        before, after = [*map(self._entrance, inputs)], [*map(self._exit, outputs)]
        nodes = [
            *chain.from_iterable(made for _, made in before),
            *(graph.node[at] for at in needed(self.graph.nodes, inputs, outputs)),
            *chain.from_iterable(made for _, made in after),
        ]
        read = {name for node in nodes for name in node.input}
        part = onnx.helper.make_graph(
            nodes,
            "block",
            [info for info, _ in before],
            [info for info, _ in after],
            [one for one in graph.initializer if one.name in read],
        )
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        model.graph.CopyFrom(part)
        return bytes(model.SerializeToString())

    def _exit(self, value: str) -> tuple[Any, Iterable[Any]]:
        """What to list as an output to see a value, and the operators that make it."""
        info = self.infos[value]
        if _kind(info) == onnx.TensorProto.FLOAT:
            return info, ()
        shown = f"{value}{OUTSIDE}"
        return _float32(info, shown), (_cast(value, shown, onnx.TensorProto.FLOAT),)

    def _entrance(self, value: str) -> tuple[Any, Iterable[Any]]:
        """
        What to list as an input for a value, and the operators that make it of that.

        One in 8 bits is rounded as in the file: a runtime computes in them only behind such pairs.
        """
        info, outer = self.infos[value], f"{value}{OUTSIDE}"
        if _kind(info) != onnx.TensorProto.FLOAT:
            return _float32(info, outer), (_cast(outer, value, _kind(info)),)
        last = self.makers.get(value)
        first = self.makers.get(last.input[0]) if last and last.op_type == DEQUANTISE else None
        if first is None:
            return info, ()
        rounding = onnx.NodeProto()
        rounding.CopyFrom(first)
        rounding.input[0] = outer
        return _float32(info, outer), (rounding, last)


def _infos(model: Any) -> dict[str, Any]:
    """The types of all values; those that the exporter left out are inferred."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    return {one.name: one for one in (*graph.value_info, *graph.input, *graph.output)}


def _node(node: Any, path: str | None, constants: set[str]) -> Node:
    inputs = tuple(one for one in node.input if one and one not in constants)
    return Node(
        node.output[0], node.op_type, path, inputs, tuple(one for one in node.output if one)
    )


def _kind(info: Any) -> int:
    return int(info.type.tensor_type.elem_type)


def _shape(info: Any) -> tuple[int, ...]:
    """Of tensors of numbers, () of others: only those can be held against PyTorch."""
    if _kind(info) not in NUMBERS:
        return ()
    return tuple(int(one.dim_value) for one in info.type.tensor_type.shape.dim)


def _float32(info: Any, name: str) -> Any:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, _shape(info))


def _cast(value: str, made: str, kind: int) -> Any:
    return onnx.helper.make_node("Cast", [value], [made], name=made, to=kind)


EDITOR: type[Editor] = OnnxEditor
