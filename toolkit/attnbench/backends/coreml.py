"""Core ML (mlprogram): converted, reloaded and listed here; run on macOS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import coremltools
import torch
from coremltools import TensorType
from coremltools.converters.mil.frontend.milproto.load import load as load_mil

from attnbench.backends.base import Exported, words
from attnbench.backends.formats import COREML
from attnbench.errors import ExportError
from attnbench.records import Delegation, Scope
from attnbench.rewrites.base import flattened, output_names

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule

    from attnbench.backends.base import Backend

REFUSALS = (RuntimeError, ValueError, TypeError, NotImplementedError, KeyError, AssertionError)
"""What coremltools raises when it cannot convert; it has no exception of its own."""


class CoreML:
    """Float32 asked for explicitly: the converter's own default is float16."""

    format = COREML

    def export(self, program: GraphModule, example: Sequence[Tensor], path: Path) -> Exported:
        """See Backend. The saved program is read back; its operators are the scopes."""
        try:
            made = coremltools.convert(
                torch.export.export(flattened(program), tuple(example)).run_decompositions({}),
                outputs=[TensorType(name) for name in output_names(program)] or None,
                convert_to="mlprogram",
                compute_precision=coremltools.precision.FLOAT32,
                minimum_deployment_target=coremltools.target.iOS16,
            )
        except REFUSALS as error:
            raise ExportError(f"coreml: coremltools refused the model: {words(error)}") from error
        made.save(str(path))
        scopes = tuple(Scope(value, kind, None) for value, kind in operators(path))
        return Exported(scopes, Delegation(delegates=0, delegated=len(scopes)))


def operators(path: Path) -> list[tuple[str, str]]:
    """Output name and type of every operator of a saved mlprogram, constants left out."""
    model = coremltools.models.MLModel(str(path), skip_model_load=True)
    spec = model.get_spec()
    program = load_mil(
        spec, specification_version=spec.specificationVersion, file_weights_dir=model.weights_dir
    )
    found = [
        (operator.outputs[0].name, operator.op_type)
        for operator in program.functions["main"].operations
        if operator.op_type != "const"
    ]
    if not found:
        raise ExportError("coreml: the saved program has no operators")
    return found


BACKEND: Backend = CoreML()
