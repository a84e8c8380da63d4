"""Artifacts as graphs of values, to observe what is inside of them and to cut parts out."""

from __future__ import annotations

from importlib import import_module

from attnbench.errors import BadOption
from attnbench.graphs.base import Content, Editor, Graph, Node, put
from attnbench.records import Artifact

__all__ = ["EDITED", "Content", "Editor", "Graph", "Node", "open_graph", "put"]

EDITED = ("onnx", "tflite", "executorch", "coreml")
"""Backends whose files can be edited here."""


def open_graph(artifact: Artifact) -> Editor:
    """
    The graph of an artifact of ours.

    Raises BadOption where its format cannot be edited here, or it has no scopes: then nothing says
    which value belongs to which module. BadArtifact if the file is not what its manifest says.
    """
    if artifact.backend not in EDITED:
        hint = f"there is one for {', '.join(EDITED)}"
        raise BadOption(f"{artifact.backend}: nothing here looks inside of its files", hint=hint)
    if all(scope.path is None for scope in artifact.scopes):
        raise BadOption(
            f"{artifact.path} has no scopes: which value is a block's output is not known",
            hint="only artifacts that attnbench exported have them",
        )
    editor: type[Editor] = import_module(f"attnbench.graphs.{artifact.backend}").EDITOR
    return editor(artifact)
