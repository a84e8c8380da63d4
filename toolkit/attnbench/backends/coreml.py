"""Core ML (mlprogram): converted and read back here; run on macOS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch.utils._pytree import tree_leaves

from attnbench.backends.base import Exported, Quantisation, words
from attnbench.backends.coreml_converter import checked_at_the_ends, coremltools
from attnbench.backends.coreml_int8 import quantised
from attnbench.backends.formats import COREML
from attnbench.errors import ExportError
from attnbench.mlprogram import load
from attnbench.records import Delegation, Scope
from attnbench.rewrites.base import flattened, output_names, path_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.export import ExportedProgram
    from torch.fx import GraphModule, Node

    from attnbench.backends.base import Quantising
    from attnbench.mlprogram import Program

REFUSALS = (RuntimeError, ValueError, TypeError, NotImplementedError, KeyError, AssertionError)
"""What coremltools raises when it cannot convert; it has no exception of its own."""


HALF = "_cast_fp16"
"""What the converter appends to the name of a value that it makes in float16."""

SINGLE = "_to_fp32"
"""And to that of a value of float16, where it makes float32 of it."""

STORING = ("quantize", "dequantize")
"""Operators between floats and numbers of 8 bits."""

UNSTEADY = "common::distributive_quantized_binary_op_scale_normalization"
"""
A pass that computes 8-bit sums on another scale.

They are no longer PyTorch's values then, which a block is held to.
"""


class CoreML:
    """The precision is asked for explicitly: the converter's own default is float16."""

    format = COREML

    def export(self, program: GraphModule, example: Sequence[Tensor], path: Path) -> Exported:
        """See Backend. The saved program is read back; its operators are the scopes."""
        exported = _exported(program, example)
        return _converted(exported, _outputs(program), path, coremltools.precision.FLOAT32)

    def quantise(
        self, program: GraphModule, example: Sequence[Tensor], path: Path, wanted: Quantisation
    ) -> Exported:
        """See Quantising. In int8 numbers are float16 between operators that store them."""
        eight = wanted.precision == "int8"
        exported = _exported(quantised(program, wanted) if eight else program, example)
        modules = _modules(exported.graph.nodes)
        half = coremltools.transform.FP16ComputePrecision(
            lambda operation: not wanted.keeps(_module(operation, modules))
        )
        target = coremltools.target.iOS17 if eight else coremltools.target.iOS16
        return _converted(exported, _outputs(program), path, half, target)


def _exported(program: GraphModule, example: Sequence[Tensor]) -> ExportedProgram:
    """The graph as coremltools takes it. Raises ExportError."""
    try:
        exported = torch.export.export(flattened(program), tuple(example))
        return cast("ExportedProgram", exported.run_decompositions({}))
    except REFUSALS as error:
        raise _refusal(error) from error


def _converted(
    exported: ExportedProgram,
    outputs: Sequence[coremltools.TensorType],
    path: Path,
    precision: Any,
    target: Any = coremltools.target.iOS16,
) -> Exported:
    passes = coremltools.PassPipeline()
    passes.remove_passes({UNSTEADY})
    try:
        with checked_at_the_ends():
            made = coremltools.convert(
                exported,
                outputs=outputs,
                convert_to="mlprogram",
                compute_precision=precision,
                minimum_deployment_target=target,
                pass_pipeline=passes,
            )
    except REFUSALS as error:
        raise _refusal(error) from error
    made.save(str(path))
    scopes = _scopes(load(path), exported.graph.nodes)
    return Exported(scopes, Delegation(delegates=0, delegated=len(scopes)))


def _refusal(error: Exception) -> ExportError:
    return ExportError(f"coreml: coremltools refused the model: {words(error)}")


def _modules(nodes: Iterable[Node]) -> dict[str, str]:
    """The module of each of the graph's values, by its name."""
    return {node.name: path_of(node) for node in nodes if node.op == "call_function"}


def _module(operation: Any, modules: Mapping[str, str]) -> str | None:
    """The module of an operator that is converted; see `_scopes` of those that are put in."""
    while operation.op_type in STORING and operation.input.op is not None:
        operation = operation.input.op
    first, *others = operation.outputs
    called = _called(first.name.removesuffix(SINGLE), several=bool(others))
    if called in modules:
        return modules[called]
    return next((_module(one, modules) for one in _readers(first)), None)


def _readers(value: Any) -> Iterator[Any]:
    """The operators that compute with a value, or with what is stored of it."""
    for one in value.child_ops:
        yield from _readers(one.outputs[0]) if one.op_type in STORING else (one,)


def _called(name: str, *, several: bool) -> str:
    """What the graph calls the value, or the operator that makes it and others."""
    made = name.rpartition("_")[0] if several else name  # without the number of the output
    return made.removesuffix(HALF)


def _scopes(saved: Program, nodes: Iterable[Node]) -> tuple[Scope, ...]:
    """
    The program's operators, whose values are called as in the graph, but for its outputs.

    One that the converter put in is of the module that reads it first. What makes 8 bits of a
    number, or a number of 8 bits, is of the module that made the number.
    """
    *calls, output = (node for node in nodes if node.op in ("call_function", "output"))
    returned = zip(saved.outputs, tree_leaves(output.args[0]), strict=True)
    modules = _modules(calls)
    paths: dict[str, str | None] = {one.name: path_of(node) for one, node in returned}
    for one in reversed(saved.operations):
        first, *others = (made.name for made in one.outputs)
        called = _called(first, several=bool(others))
        paths[first] = modules.get(called, paths.get(first))
        paths |= dict.fromkeys(chain.from_iterable(one.inputs.values()), paths[first])
    for one in saved.operations:
        if one.kind in STORING:
            paths[one.outputs[0].name] = paths[one.inputs["input"][0]]
    made = [(one.outputs[0].name, one.kind) for one in saved.operations]
    return tuple(Scope(name, kind, paths[name]) for name, kind in made)


def _outputs(program: GraphModule) -> list[coremltools.TensorType]:
    """The outputs under their names, if they have any, in the model's types in any precision."""
    result = next(node for node in program.graph.nodes if node.op == "output")
    made = [node.meta["val"] for node in tree_leaves(result.args[0])]
    names = output_names(program) or [None] * len(made)
    return [
        coremltools.TensorType(name, dtype=np.float32 if value.is_floating_point() else None)
        for name, value in zip(names, made, strict=True)
    ]


BACKEND: Quantising = CoreML()
