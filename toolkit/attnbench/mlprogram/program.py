"""A saved mlprogram as plain records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from attnbench.errors import BadArtifact, UnknownOperator
from attnbench.mlprogram.schema import parse, type_name
from attnbench.mlprogram.types import data_type
from attnbench.mlprogram.values import Value, constant
from attnbench.records import TensorSpec

MAIN = "main"


@dataclass(frozen=True, slots=True)
class Variable:
    """A tensor of a program by name; a side of None is known only when it runs."""

    name: str
    dtype: torch.dtype
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operator: for each parameter the names of its arguments, and what it makes."""

    kind: str
    inputs: Mapping[str, tuple[str, ...]]
    outputs: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """The function `main` of a package: operators in order, constants by name."""

    path: Path
    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    constants: Mapping[str, Value]
    operations: tuple[Operation, ...]


def specs(variables: Sequence[Variable]) -> tuple[TensorSpec, ...]:
    """Inputs or outputs as records have them. Raises BadArtifact for sides that are not fixed."""
    found = []
    for one in variables:
        if None in one.shape:
            raise BadArtifact(f"{one.name} has sides of no fixed length", hint="convert it for one")
        shape = tuple(side for side in one.shape if side is not None)
        found.append(TensorSpec(str(one.dtype).removeprefix("torch."), shape, one.name))
    return tuple(found)


def load(path: Path) -> Program:
    """
    Read a .mlpackage.

    Raises BadArtifact when it is none, is damaged, or holds something else than an mlprogram, and
    UnknownOperator for a type of value that is not computed with.
    """
    file = model_file(path)
    model = parse(file)
    kind = model.WhichOneof("Type")
    if kind != "mlProgram":
        raise BadArtifact(f"{path} holds a {kind or 'model of no kind'}, not an mlProgram")
    functions = model.mlProgram.functions
    if MAIN not in functions or functions[MAIN].opset not in functions[MAIN].block_specializations:
        raise BadArtifact(f"{path} has no function {MAIN}")
    function = functions[MAIN]
    block = function.block_specializations[function.opset]
    constants: dict[str, Value] = {}
    operations: list[Operation] = []
    for message in block.operations:
        try:
            operations += _operation(message, file.parent, constants)
        except UnknownOperator as error:
            raise UnknownOperator(f"{path.name}: operator {_name(message)}: {error}") from error
    inputs = tuple(_variable(one) for one in function.inputs)
    made = {one.name: one for operation in operations for one in operation.outputs}
    if not block.outputs or not set(block.outputs) <= set(made):
        raise BadArtifact(f"{path} has no program that makes its outputs")
    outputs = tuple(made[name] for name in block.outputs)
    return Program(path, inputs, outputs, constants, tuple(operations))


def model_file(path: Path) -> Path:
    """The package's model, where its manifest says."""
    try:
        manifest = json.loads((path / "Manifest.json").read_bytes())
        entry = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]
        return path / "Data" / str(entry["path"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadArtifact(f"{path} is no Core ML package: it has no whole Manifest.json") from error


def _operation(message: Any, folder: Path, constants: dict[str, Value]) -> Iterator[Operation]:
    """An operator, or nothing: constants, wherever they are written, go to `constants`."""
    name = _name(message)
    if message.type == "const":
        constants[name] = constant(message.attributes["val"], folder)
        return
    inputs = {}
    for key, argument in message.inputs.items():
        inputs[key] = tuple(
            _argument(one, f"{name}.{key}.{number}", folder, constants)
            for number, one in enumerate(argument.arguments)
        )
    for key in set(message.attributes) - {"name"}:  # where constexpr operators have their inputs
        inputs[key] = (f"{name}.{key}",)
        constants[f"{name}.{key}"] = constant(message.attributes[key], folder)
    yield Operation(message.type, inputs, tuple(_variable(one) for one in message.outputs))


def _name(message: Any) -> str:
    """An operator has no name but that of what it makes."""
    return str(message.outputs[0].name) if message.outputs else str(message.type)


def _argument(binding: Any, name: str, folder: Path, constants: dict[str, Value]) -> str:
    """The name of an argument; one that is written out gets `name`."""
    if binding.WhichOneof("binding") == "name":
        return str(binding.name)
    constants[name] = constant(binding.value, folder)
    return name


def _variable(message: Any) -> Variable:
    tensor = message.type.tensorType
    shape = tuple(
        one.constant.size if one.WhichOneof("dimension") == "constant" else None
        for one in tensor.dimensions
    )
    return Variable(message.name, data_type(type_name(tensor.dataType)).torch, shape)
