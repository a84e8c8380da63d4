"""What converters do in vain, left out: nothing of it changes a byte of the file."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch._export.utils import _collect_all_valid_cia_ops, _is_cia_op
from torch._ops import OpOverload
from torch.export import ExportedProgram, decomp_utils, exported_program
from torch.export.decomp_utils import CustomDecompTable
from torch.fx.traceback import NodeSource

DECOMPOSED = "ATEN"
"""The dialect of a program that `run_decompositions` returned."""


@contextmanager
def economies() -> Iterator[None]:
    """
    Spare torch's passes their repetitions while a converter runs.

    Each pass notes the node before it with a deep copy of all that was noted earlier, which nobody
    changes: a quarter of all calls of functions in an export for ExecuTorch. Each asks anew which
    of torch's thousands of operators are made of others. And ExecuTorch decomposes a program three
    times, the third time mostly with nothing left: the whole graph is traced again for that.
    """
    collect = _remembered()
    with ExitStack() as stack:
        for owner, name, value in (
            (NodeSource, "__deepcopy__", lambda self, _memo: self),
            (exported_program, "_collect_all_valid_cia_ops", collect),
            (decomp_utils, "_collect_all_valid_cia_ops", collect),
            (ExportedProgram, "run_decompositions", _only_if_needed()),
        ):
            stack.enter_context(patch.object(owner, name, value, create=True))
        yield


def _remembered() -> Callable[[], set[Any]]:
    """torch's list of composite operators, made again only when operators were registered."""
    lists: dict[int, set[Any]] = {}

    def collect() -> set[Any]:
        registered = len(torch._C._dispatch_get_all_op_names())
        if registered not in lists:
            lists[registered] = _collect_all_valid_cia_ops()
        return lists[registered]

    return collect


def _only_if_needed() -> Callable[..., ExportedProgram]:
    run: Callable[..., ExportedProgram] = ExportedProgram.run_decompositions

    def run_decompositions(
        self: ExportedProgram, decomp_table: Mapping[Any, Any] | None = None, **options: Any
    ) -> ExportedProgram:
        if decomp_table is not None and is_decomposed(self, decomp_table):
            return self
        return run(self, decomp_table, **options)

    return run_decompositions


def is_decomposed(program: ExportedProgram, table: Mapping[Any, Any]) -> bool:
    """
    Whether decomposing it once more would trace the same graph again.

    So it is of a program that was decomposed before, in which no operator is of the table, made of
    others, or changes its input, and that calls no graph within its own.
    """
    known = table.materialize() if isinstance(table, CustomDecompTable) else table
    return program.dialect == DECOMPOSED and not any(
        node.op == "get_attr" or (node.op == "call_function" and _changes(node.target, known))
        for node in program.graph.nodes
    )


def _changes(target: object, table: Mapping[Any, Any]) -> bool:
    if target is operator.getitem:
        return False
    return (
        not isinstance(target, OpOverload)
        or target in table
        or target._schema.is_mutable
        or _is_cia_op(target)
    )
