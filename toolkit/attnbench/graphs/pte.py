"""The container of ExecuTorch programs: what is around the delegate's graph, read and written."""

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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attnbench.errors import BadArtifact

ALIGNED_BYTES = 64
SCHEMA, JSON, BINARY = "schema.fbs", "graph.json", "graph.bin"
INFINITE = re.compile(r"(?<=[:\[, ])(-?)inf\b")
"""As flatc writes it, which JSON does not know."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program whose one instruction calls one delegate: the parsed file, and the graph inside."""

    file: Any
    delegate: Any
    constants: bytes

    def with_delegate(
        self,
        delegate: Any,
        shapes: Sequence[tuple[int, ...]],
        inputs: int,
        held: Iterable[int] = (),
    ) -> bytes:
        """
        The program around another graph, whose border has tensors of these shapes, inputs first.

        They get memory of their own, behind what was planned. Constants that are `held` by the
        program enter behind the inputs.
        """
        from executorch.exir._serialize._program import serialize_pte_binary

        file = copy.deepcopy(self.file)
        plan = file.program.execution_plan[0]
        like = plan.values[plan.inputs[0]]
        first = len(plan.values)
        for shape in shapes:
            plan.values.append(_placed(like, shape, plan.non_const_buffer_sizes))
        border = list(range(first, first + len(shapes)))
        plan.inputs, plan.outputs = border[:inputs], border[inputs:]
        plan.chains[0].instructions[0].instr_args.args = [*plan.inputs, *held, *plan.outputs]
        at = plan.delegates[0].processed.index
        file.program.backend_delegate_data[at].data = _packed(delegate, self.constants)
        return bytes(serialize_pte_binary(file, extract_delegate_segments=True))


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
    try:
        file = deserialize_pte_binary(path.read_bytes())
        plan = file.program.execution_plan[0]
        index = plan.delegates[0].processed.index
        payload = bytes(file.program.backend_delegate_data[index].data)
        header = xnnpack.XNNHeader.from_bytes(payload[: xnnpack.XNNHeader.EXPECTED_LENGTH])
    except (struct.error, ValueError, IndexError, TypeError, AttributeError) as error:
        raise BadArtifact(f"{path}: cannot be read as a program of ExecuTorch") from error
    graph = payload[header.flatbuffer_offset :][: header.flatbuffer_size]
    constants = payload[header.constant_data_offset :][: header.constant_data_size]
    return Program(file, _parsed(graph), constants)


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
