"""What is known of each runtime's traces, by the runner's name for the engine."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol, cast

from attnbench.attribution.places import Located
from attnbench.errors import UnknownName
from attnbench.records import Artifact, Delegation, Trace

MODULES: Mapping[str, str] = {
    "onnxruntime": "attnbench.attribution.onnxruntime",
    "litert": "attnbench.attribution.litert",
    "executorch": "attnbench.attribution.executorch",
}
"""Imported on use: none needs its converter, but one reads ONNX files."""


class Runtime(Protocol):
    """A module of this package that knows how one runtime names operators."""

    def locate(self, trace: Trace, artifact: Artifact) -> Located:
        """
        The place of every event of an inference, in the order of the trace.

        Raises AttributionError where that cannot be proved.
        """

    def delegation(self, trace: Trace, artifact: Artifact) -> Delegation:
        """What the runtime delegated: some converters know, others only a run tells."""


def runtime(engine: str) -> Runtime:
    """The runtime of that name. Raises UnknownName."""
    if engine not in MODULES:
        raise UnknownName("engine", engine, MODULES)
    return cast("Runtime", import_module(MODULES[engine]))
