"""Every fault that is put into a file: what it is called, where it is, and how it is made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import nn

from attnbench.graphs import Node
from attnbench.records import Artifact
from tests.mutation.executorch_file import ExecuTorchFile
from tests.mutation.numbers import Axes, Numbers, faulty
from tests.mutation.onnx_file import OnnxFile
from tests.mutation.tflite_file import TFLiteFile


class File(Protocol):
    """An artifact's file, whose operators can be made wrong one at a time."""

    nodes: Sequence[Node]

    def __init__(self, artifact: Artifact) -> None: ...

    def numbers(self, at: int) -> tuple[Numbers, Axes] | None:
        """The weights of an operator and how they lie; None if it has none."""

    def with_numbers(self, at: int, new: Numbers) -> bytes:
        """The file with other weights in that operator."""

    def options(self, at: int) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """What else can be wrong with an operator: its name, and the file with it."""


FILES: dict[str, type[File]] = {
    "onnx": OnnxFile,
    "tflite": TFLiteFile,
    "executorch": ExecuTorchFile,
}


@dataclass(frozen=True)
class Fault:
    """One wrong operator: what is wrong, of which module it is, and the file with it."""

    kind: str
    operator: str
    path: str
    at: int
    make: Callable[[], bytes]

    @property
    def name(self) -> str:
        return f"{self.path or '(model)'} {self.operator} {self.at}: {self.kind}"


def faults(artifact: Artifact, module: nn.Module) -> list[Fault]:
    """All faults of an artifact, in an order that is mixed but always the same."""
    file = FILES[artifact.backend](artifact)
    found = [one for at in range(len(file.nodes)) for one in _of_operator(file, at, module)]
    return sorted(found, key=lambda one: hashlib.sha256(one.name.encode()).digest())


def _of_operator(file: File, at: int, module: nn.Module) -> Iterator[Fault]:
    node = file.nodes[at]
    path = node.path or ""
    if (held := file.numbers(at)) is not None:
        numbers, axes = held
        for kind, new in faulty(numbers, axes, _norm(module, path)):
            make = lambda new=new: file.with_numbers(at, new)  # noqa: E731
            yield Fault(kind, node.operator, path, at, make)
    for kind, make in file.options(at):
        yield Fault(kind, node.operator, path, at, make)


def _norm(module: nn.Module, path: str) -> nn.BatchNorm2d | None:
    """The BatchNorm behind a convolution that is called like ours: `conv` beside `norm`."""
    above = path.rpartition(".")[0]
    norm = getattr(module.get_submodule(above), "norm", None)
    return norm if isinstance(norm, nn.BatchNorm2d) else None
