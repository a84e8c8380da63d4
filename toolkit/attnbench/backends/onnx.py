"""ONNX, executed by ONNX Runtime."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.onnx import OnnxExporterError

from attnbench.backends.base import Exported, Quantisation, words
from attnbench.backends.formats import ONNX
from attnbench.backends.half import halved
from attnbench.errors import ExportError
from attnbench.records import Delegation, Scope
from attnbench.rewrites.base import output_names, path_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule

    from attnbench.backends.base import Quantising

NAME_SCOPES = "pkg.torch.onnx.name_scopes"


class Onnx:
    """Opset of the exporter's choice, static shapes, weights inside the file."""

    format = ONNX

    def export(self, program: GraphModule, example: Sequence[Tensor], path: Path) -> Exported:
        """See Backend."""
        try:
            made = torch.onnx.export(
                program,
                tuple(example),
                dynamo=True,
                verbose=False,
                output_names=output_names(program) or None,
            )
        except OnnxExporterError as error:
            reason = words(_root(error))
            raise ExportError(f"onnx: torch.onnx refused the model: {reason}") from error
        assert made is not None  # dynamo=True always returns a program
        assert made.exported_program is not None  # and one that was exported
        for node in made.model.graph:
            # Values get new names when ONNX Runtime changes their layout; nodes keep theirs.
            node.name = node.outputs[0].name
        made.save(str(path), external_data=False)
        nodes = made.model_proto.graph.node
        modules = {node.name: path_of(node) for node in made.exported_program.graph.nodes}
        scopes = tuple(Scope(node.output[0], node.op_type, _path(node, modules)) for node in nodes)
        return Exported(scopes, Delegation(delegates=0, delegated=len(scopes)))

    def quantise(
        self, program: GraphModule, example: Sequence[Tensor], path: Path, wanted: Quantisation
    ) -> Exported:
        """See Quantising. In fp16 the program itself is halved; int8 is of the float32 file."""
        if wanted.precision == "fp16":
            return self.export(halved(program, wanted.keeps), example, path)
        from attnbench.backends.onnx_int8 import quantised  # which loads ONNX Runtime

        made = self.export(program, example, path)
        return quantised(path, made.scopes, wanted)


def _root(error: BaseException) -> BaseException:
    """What it all began with: the exporter's own message only tells in which step."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _path(node: Any, modules: Mapping[str, str]) -> str | None:
    """
    The module that called an ONNX node: its own metadata, else by its value's name.

    A converter function that makes several nodes of one operator names their values after it,
    as in `split_with_sizes_split_0`, and leaves the metadata of some of them empty.
    """
    for entry in node.metadata_props:
        if entry.key == NAME_SCOPES:
            return str(ast.literal_eval(entry.value)[-2])
    value = str(node.output[0])
    owners = [name for name in modules if value == name or value.startswith(f"{name}_")]
    return modules[max(owners, key=len)] if owners else None


BACKEND: Quantising = Onnx()
