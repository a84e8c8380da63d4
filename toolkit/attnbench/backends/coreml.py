"""Core ML (mlprogram): converted and read back here; run on macOS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import coremltools
import torch
from coremltools import TensorType

from attnbench.backends.base import Exported, words
from attnbench.backends.formats import COREML
from attnbench.errors import ExportError
from attnbench.mlprogram import load
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
        operations = load(path).operations
        scopes = tuple(Scope(one.outputs[0].name, one.kind, None) for one in operations)
        return Exported(scopes, Delegation(delegates=0, delegated=len(scopes)))


BACKEND: Backend = CoreML()
