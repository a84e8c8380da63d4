"""Core ML (mlprogram): converted and read back here; run on macOS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils._pytree import tree_leaves

from attnbench.backends.base import Exported, Quantisation, words
from attnbench.backends.coreml_converter import checked_at_the_ends, coremltools
from attnbench.backends.formats import COREML
from attnbench.errors import ExportError
from attnbench.mlprogram import load
from attnbench.records import Delegation, Scope
from attnbench.rewrites.base import flattened, output_names, path_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule, Node

    from attnbench.backends.base import Quantising
    from attnbench.mlprogram import Program

REFUSALS = (RuntimeError, ValueError, TypeError, NotImplementedError, KeyError, AssertionError)
"""What coremltools raises when it cannot convert; it has no exception of its own."""


HALF = "_cast_fp16"
"""What the converter appends to the name of a value that it makes in float16."""


class CoreML:
    """The precision is asked for explicitly: the converter's own default is float16."""

    format = COREML

    def export(self, program: GraphModule, example: Sequence[Tensor], path: Path) -> Exported:
        """See Backend. The saved program is read back; its operators are the scopes."""
        return self._converted(program, example, path, coremltools.precision.FLOAT32)

    def quantise(
        self, program: GraphModule, example: Sequence[Tensor], path: Path, wanted: Quantisation
    ) -> Exported:
        """See Quantising. Only fp16: ranges of activations are calibrated by Core ML itself."""
        assert (wanted.precision, wanted.keep_float) == ("fp16", ())  # as its format says
        return self._converted(program, example, path, coremltools.precision.FLOAT16)

    def _converted(
        self, program: GraphModule, example: Sequence[Tensor], path: Path, precision: Any
    ) -> Exported:
        try:
            exported = torch.export.export(flattened(program), tuple(example))
            exported = exported.run_decompositions({})
            with checked_at_the_ends():
                made = coremltools.convert(
                    exported,
                    outputs=_outputs(program),
                    convert_to="mlprogram",
                    compute_precision=precision,
                    minimum_deployment_target=coremltools.target.iOS16,
                )
        except REFUSALS as error:
            raise ExportError(f"coreml: coremltools refused the model: {words(error)}") from error
        made.save(str(path))
        scopes = _scopes(load(path), exported.graph.nodes)
        return Exported(scopes, Delegation(delegates=0, delegated=len(scopes)))


def _scopes(saved: Program, nodes: Iterable[Node]) -> tuple[Scope, ...]:
    """
    The program's operators, whose values are called as in the graph, but for its outputs.

    One that the converter put in is of the module that reads it first.
    """
    *calls, output = (node for node in nodes if node.op in ("call_function", "output"))
    modules = {node.name: path_of(node) for node in calls}
    returned = zip(saved.outputs, tree_leaves(output.args[0]), strict=True)
    paths: dict[str, str | None] = {one.name: path_of(node) for one, node in returned}
    found = []
    for one in reversed(saved.operations):
        name = one.outputs[0].name
        called = name.removesuffix(HALF)
        if len(one.outputs) > 1:
            called = called.rpartition("_")[0]  # and the number of the output
        path = modules.get(called, paths.get(name))
        paths |= dict.fromkeys(chain.from_iterable(one.inputs.values()), path)
        found.append(Scope(name, one.kind, path))
    return tuple(found[::-1])


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
