"""Core ML (mlprogram): converted and read back here; run on macOS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import coremltools
import numpy as np
import torch
from coremltools import TensorType
from torch.utils._pytree import tree_leaves

from attnbench.backends.base import Exported, Quantisation, words
from attnbench.backends.formats import COREML
from attnbench.errors import ExportError
from attnbench.mlprogram import load
from attnbench.records import Delegation, Scope
from attnbench.rewrites.base import flattened, output_names

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule

    from attnbench.backends.base import Quantising

REFUSALS = (RuntimeError, ValueError, TypeError, NotImplementedError, KeyError, AssertionError)
"""What coremltools raises when it cannot convert; it has no exception of its own."""


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
            made = coremltools.convert(
                torch.export.export(flattened(program), tuple(example)).run_decompositions({}),
                outputs=_outputs(program),
                convert_to="mlprogram",
                compute_precision=precision,
                minimum_deployment_target=coremltools.target.iOS16,
            )
        except REFUSALS as error:
            raise ExportError(f"coreml: coremltools refused the model: {words(error)}") from error
        made.save(str(path))
        operations = load(path).operations
        scopes = tuple(Scope(one.outputs[0].name, one.kind, None) for one in operations)
        return Exported(scopes, Delegation(delegates=0, delegated=len(scopes)))


def _outputs(program: GraphModule) -> list[TensorType]:
    """The outputs under their names, if they have any, in the model's types in any precision."""
    result = next(node for node in program.graph.nodes if node.op == "output")
    made = [node.meta["val"] for node in tree_leaves(result.args[0])]
    names = output_names(program) or [None] * len(made)
    return [
        TensorType(name, dtype=np.float32 if value.is_floating_point() else None)
        for name, value in zip(names, made, strict=True)
    ]


BACKEND: Quantising = CoreML()
