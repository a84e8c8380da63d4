"""Core ML packages: values are outputs once the function's block and the description list them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attnbench.graphs.base import Content, Editor, Graph, Node, needed, placed
from attnbench.mlprogram.program import MAIN, Operation, load, model_file
from attnbench.mlprogram.schema import parse, type_name
from attnbench.records import Artifact

CONSTANT = "const"
HALF = "FLOAT16"
NUMBERS = {"FLOAT32": 65568, HALF: 65552}
"""Types of values, and how the description of a model's inputs and outputs numbers them."""

OUTSIDE = "_outside"
"""What is appended to the name of a value that is float32 at the border."""


class CoreMLEditor:
    """See Editor. Outputs keep their types; a float16 that enters is cast, as in the file."""

    def __init__(self, artifact: Artifact) -> None:
        folder = Path(artifact.path)
        program = load(folder)
        self.file = model_file(folder).relative_to(folder).as_posix()
        self.files = {
            one.relative_to(folder).as_posix(): one.read_bytes()
            for one in folder.rglob("*")
            if one.is_file()
        }
        self.model = parse(folder / self.file)
        function = self.model.mlProgram.functions[MAIN]
        operations = _block(self.model).operations
        made = [one for operation in operations for one in operation.outputs]
        self.types = {one.name: one.type for one in (*function.inputs, *made)}
        paths = {scope.value: scope.path for scope in artifact.scopes}
        constants = set(program.constants)
        self.graph = Graph(
            placed(_node(one, paths, constants) for one in program.operations),
            tuple(one.name for one in program.inputs),
            tuple(one.name for one in program.outputs),
            {name: shape for name, one in self.types.items() if (shape := _shape(one))},
            channels_last=False,
        )

    def observed(self, values: Sequence[str]) -> Content:
        """See Editor."""
        model = self._copied()
        _block(model).outputs.extend(values)
        for value in values:
            _describe(model.description.output, value, self.types[value])
        return self._content(model)

    def cut(self, inputs: Sequence[str], outputs: Sequence[str]) -> Content:
        """See Editor."""
        model = self._copied()
        function, block = model.mlProgram.functions[MAIN], _block(model)
        kept = {
            name
            for at in needed(self.graph.nodes, inputs, outputs)
            for name in self.graph.nodes[at].outputs
        }
        casts = [self._cast(one) for one in inputs if _type(self.types[one]) == HALF]
        operations = [one for one in block.operations if kept & {made.name for made in one.outputs}]
        read = {name for one in (*casts, *operations) for name in _arguments(one)}
        constants = [one for one in block.operations if one.type == CONSTANT and _name(one) in read]
        del block.operations[:], block.outputs[:], function.inputs[:]
        del model.description.input[1:], model.description.output[1:]
        block.operations.extend([*constants, *casts, *operations])
        block.outputs.extend(outputs)
        for value in inputs:
            name, kind = self._border(value)
            function.inputs.add(name=name).type.CopyFrom(kind)
            _describe(model.description.input, name, kind)
        for value in outputs:
            _describe(model.description.output, value, self.types[value])
        del model.description.input[0], model.description.output[0]
        return self._content(model)

    def _border(self, value: str) -> tuple[str, Any]:
        """What enters for a value: its name, and its type."""
        kind = self.types[value]
        if _type(kind) != HALF:
            return value, kind
        entering = next(one for one in self.types.values() if _type(one) == "FLOAT32")
        single = type(kind)()
        single.CopyFrom(kind)
        single.tensorType.dataType = entering.tensorType.dataType
        return f"{value}{OUTSIDE}", single

    def _cast(self, value: str) -> Any:
        """The operator that makes a float16 of what enters: like the file's own, for its inputs."""
        like = next(
            one
            for one in _block(self.model).operations
            if one.type == "cast" and _type(one.outputs[0].type) == HALF
        )
        made = type(like)()
        made.CopyFrom(like)
        made.inputs["x"].arguments[0].name = f"{value}{OUTSIDE}"
        made.outputs[0].name = value
        made.outputs[0].type.CopyFrom(self.types[value])
        return made

    def _copied(self) -> Any:
        model = type(self.model)()
        model.CopyFrom(self.model)
        return model

    def _content(self, model: Any) -> Content:
        return self.files | {self.file: model.SerializeToString()}


def _block(model: Any) -> Any:
    function = model.mlProgram.functions[MAIN]
    return function.block_specializations[function.opset]


def _node(operation: Operation, paths: dict[str, str | None], constants: set[str]) -> Node:
    name = operation.outputs[0].name
    inputs = [one for names in operation.inputs.values() for one in names if one not in constants]
    outputs = tuple(one.name for one in operation.outputs)
    return Node(name, operation.kind, paths.get(name), tuple(inputs), outputs)


def _describe(features: Any, name: str, kind: Any) -> None:
    """List a tensor among the model's inputs or outputs, like the first one there."""
    feature = features.add()
    feature.CopyFrom(features[0])
    feature.name = name
    feature.type.multiArrayType.shape[:] = _shape(kind)
    feature.type.multiArrayType.dataType = NUMBERS[_type(kind)]


def _shape(kind: Any) -> tuple[int, ...]:
    """Of tensors of numbers with fixed sides, () of others."""
    if _type(kind) not in NUMBERS:
        return ()
    return tuple(one.constant.size for one in kind.tensorType.dimensions)


def _type(kind: Any) -> str:
    return type_name(kind.tensorType.dataType)


def _name(operation: Any) -> str:
    return str(operation.outputs[0].name)


def _arguments(operation: Any) -> list[str]:
    """The names of what an operator takes."""
    return [one.name for given in operation.inputs.values() for one in given.arguments if one.name]


EDITOR: type[Editor] = CoreMLEditor
