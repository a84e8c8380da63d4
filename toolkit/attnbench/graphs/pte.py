"""The container of ExecuTorch programs: what is around the delegates' graphs, read and written."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import math
import re
import struct
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attnbench.errors import BadArtifact

ALIGNED_BYTES = 64
FLOAT = 6
"""The number of float32 among the types of tensors."""

SCHEMA, JSON, BINARY = "schema.fbs", "graph.json", "graph.bin"
INFINITE = re.compile(r"(?<=[:\[, ])(-?)inf\b")
"""As flatc writes it, which JSON does not know."""


Names = tuple[str | None, ...]
"""What the tensors in an argument of an instruction are called, None of constants."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program of one method: the parsed file, and the graph and constants of each delegate."""

    file: Any
    graphs: tuple[Any, ...]
    constants: tuple[bytes, ...]

    @property
    def plan(self) -> Any:
        """Its values and instructions."""
        return self.file.program.execution_plan[0]


class Naming:
    """
    What the values of a plan are called, as its instructions are gone through: by their number.

    One that nothing makes, and that lies where another one does, is that one in another shape.
    """

    def __init__(self, plan: Any) -> None:
        self.plan = plan
        self._there: dict[tuple[int, int, int], str] = {}
        self._done: set[int] = set()
        for at in plan.inputs:
            self.made(at)

    def made(self, at: int) -> Names:
        """The names of the tensors that an instruction makes in an argument."""
        found = tensors(self.plan, at)
        self._done.update(found)
        self._there |= {_storage(self.plan.values[one]): str(one) for one in found}
        return tuple(map(str, found))

    def known(self, at: int) -> Names:
        """The names of the tensors in an argument that an instruction takes."""
        return tuple(map(self._known, tensors(self.plan, at)))

    def _known(self, at: int) -> str | None:
        value = self.plan.values[at]
        if value.val.allocation_info is None:
            return None
        return str(at) if at in self._done else self._there.get(_storage(value))


class Draft:
    """
    A program without instructions, with the values and kernels of another, to be filled.

    Its new tensors get memory of their own, behind what was planned.
    """

    def __init__(self, program: Program) -> None:
        from executorch.exir import schema

        self.schema: Any = schema
        self.constants = program.constants
        self.file = copy.deepcopy(program.file)
        self.plan = self.file.program.execution_plan[0]
        self._like = self.plan.values[self.plan.inputs[0]]
        self._delegates, self.plan.delegates = self.plan.delegates, []
        self.file.program.backend_delegate_data = []
        self.plan.chains[0].instructions, self.plan.chains[0].stacktrace = [], None

    def tensor(self, shape: tuple[int, ...]) -> int:
        """The number of a new float32 tensor."""
        return self._value(_placed(self._like, shape, self.plan.non_const_buffer_sizes))

    def argument(self, at: int, names: Names, given: Mapping[str, int]) -> int:
        """What stands for an argument where other tensors are `given` for some of these names."""
        if given.keys().isdisjoint(names):
            return at
        tensor = len(names) == 1 and tensors(self.plan, at) == [at]
        if not tensor:
            items = zip(tensors(self.plan, at), names, strict=True)
            moved = [self.argument(one, (name,), given) for one, name in items]
            return self._value(self.schema.EValue(self.schema.TensorList(moved)))
        other = copy.deepcopy(self.plan.values[at])
        new = self.plan.values[given[str(names[0])]]
        other.val.allocation_info = copy.deepcopy(new.val.allocation_info)
        return self._value(other)

    def call(self, operator: int, arguments: Sequence[int]) -> None:
        """Call a kernel."""
        self._append(self.schema.KernelCall(operator, [*arguments]))

    def copy(self, source: int, target: int) -> None:
        """Copy a tensor into one of the same shape."""
        operator = self.schema.Operator("aten::clone", "out")
        if operator not in self.plan.operators:
            self.plan.operators.append(operator)
        nothing = self._value(self.schema.EValue(self.schema.Null()))
        self.call(self.plan.operators.index(operator), (source, nothing, target, target))

    def call_delegate(self, number: int, graph: Any, arguments: Sequence[int]) -> None:
        """Call a delegate with another graph."""
        data = self.file.program.backend_delegate_data
        delegate = self._delegates[number]
        delegate.processed.index = len(data)
        self.plan.delegates.append(delegate)
        payload = _packed(graph, self.constants[number])
        data.append(self.schema.BackendDelegateInlineData(payload))
        self._append(self.schema.DelegateCall(len(self.plan.delegates) - 1, [*arguments]))

    def packed(self) -> bytes:
        """The content of the file."""
        from executorch.exir._serialize._program import serialize_pte_binary

        return bytes(serialize_pte_binary(self.file, extract_delegate_segments=True))

    def _append(self, call: Any) -> None:
        self.plan.chains[0].instructions.append(self.schema.Instruction(call))

    def _value(self, value: Any) -> int:
        self.plan.values.append(value)
        return len(self.plan.values) - 1


def tensors(plan: Any, at: int) -> list[int]:
    """The tensors in an argument of an instruction: itself, those of a list, or none."""
    value = plan.values[at].val
    if hasattr(value, "sizes"):
        return [at]
    return [*value.items] if type(value).__name__ == "TensorList" else []


def plain(value: Any) -> bool:
    """Whether it is a tensor of float32 that is computed, and lies in the order of its axes."""
    one = value.val
    return (
        hasattr(one, "sizes")
        and one.allocation_info is not None
        and one.scalar_type == FLOAT
        and one.dim_order == [*range(len(one.sizes))]
    )


def _storage(value: Any) -> tuple[int, int, int]:
    place = value.val.allocation_info
    return place.memory_id, place.memory_offset_low, place.memory_offset_high


def _placed(like: Any, shape: tuple[int, ...], sizes: list[int]) -> Any:
    """A tensor of that shape at the end of the planned memory, which grows by it."""
    made = copy.deepcopy(like)
    offset = math.ceil(sizes[1] / ALIGNED_BYTES) * ALIGNED_BYTES
    sizes[1] = offset + 4 * math.prod(shape)
    made.val.sizes, made.val.dim_order = list(shape), list(range(len(shape)))
    made.val.allocation_info.memory_id = 1
    made.val.allocation_info.memory_offset_low = offset & 0xFFFFFFFF
    made.val.allocation_info.memory_offset_high = offset >> 32
    return made


def read_program(path: Path) -> Program:
    """Raises BadArtifact for a file that is no such program."""
    with _quiet():
        from executorch.backends.xnnpack.serialization import xnnpack_graph_serialize as xnnpack
        from executorch.exir._serialize._program import deserialize_pte_binary
    graphs, constants = [], []
    try:
        file = deserialize_pte_binary(path.read_bytes())
        for delegate in file.program.execution_plan[0].delegates:
            payload = bytes(file.program.backend_delegate_data[delegate.processed.index].data)
            header = xnnpack.XNNHeader.from_bytes(payload[: xnnpack.XNNHeader.EXPECTED_LENGTH])
            graphs.append(payload[header.flatbuffer_offset :][: header.flatbuffer_size])
            constants.append(payload[header.constant_data_offset :][: header.constant_data_size])
    except (struct.error, ValueError, IndexError, TypeError, AttributeError) as error:
        raise BadArtifact(f"{path}: cannot be read as a program of ExecuTorch") from error
    return Program(file, tuple(map(_parsed, graphs)), tuple(constants))


def _parsed(graph: bytes) -> Any:
    """The delegate's flatbuffer as JSON says it."""
    from executorch.backends.xnnpack.serialization import xnnpack_graph_serialize as xnnpack
    from executorch.exir._serialize._flatbuffer import _run_flatc

    with tempfile.TemporaryDirectory(prefix="attnbench-") as name:
        folder = Path(name)
        (folder / SCHEMA).write_bytes(xnnpack._get_schema_bytes())
        (folder / BINARY).write_bytes(graph)
        words = ["--json", "--strict-json", "--defaults-json", "--raw-binary", "-o", name]
        _run_flatc([*words, str(folder / SCHEMA), "--", str(folder / BINARY)])
        text = (folder / JSON).read_text()
    return json.loads(INFINITE.sub(r"\1Infinity", text))


def _packed(delegate: Any, constants: bytes) -> bytes:
    """A delegate's payload: header, graph and constants, each aligned."""
    from executorch.backends.xnnpack.serialization import xnnpack_graph_serialize as xnnpack
    from executorch.exir._serialize._flatbuffer import _flatc_compile

    with tempfile.TemporaryDirectory(prefix="attnbench-") as name:
        folder = Path(name)
        (folder / SCHEMA).write_bytes(xnnpack._get_schema_bytes())
        (folder / JSON).write_text(json.dumps(delegate))
        _flatc_compile(name, str(folder / SCHEMA), str(folder / JSON))
        graph = (folder / BINARY).read_bytes()
    alignment = xnnpack.CONSTANT_TENSOR_ALIGNMENT
    before = xnnpack._aligned_size(xnnpack.XNNHeader.EXPECTED_LENGTH, alignment)
    length = xnnpack._aligned_size(len(graph), alignment)
    header = xnnpack.XNNHeader(before, len(graph), before + length, len(constants)).to_bytes()
    return b"".join((header.ljust(before, b"\0"), graph.ljust(length, b"\0"), constants))


@contextlib.contextmanager
def _quiet() -> Any:
    """ExecuTorch's packages tell of extensions that are not there while they are imported."""
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(logging.NOTSET)
