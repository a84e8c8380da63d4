"""ONNX Runtime: the graph that ran, joined to the exporter's scopes by the names of its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from attnbench.attribution.places import Located, Place, block_of, residual, steady_operators
from attnbench.errors import AttributionError
from attnbench.records import Artifact, Trace

LAYOUT = ("ReorderInput", "ReorderOutput")
"""Operators that ONNX Runtime inserts to enter and leave its blocked NCHWc layout."""

ADDED = re.compile(r"(_nchwc|_token_\d+|_transpose)+$")
"""What its optimisers append to the name of a value that they make again."""


def locate(trace: Trace, artifact: Artifact) -> Located:
    """
    The place of every event.

    The trace names nodes of the session's own optimised graph, which the runner saved: it exists
    nowhere else and differs by instruction set. A node's first output keeps the exporter's name,
    save for a suffix, so it tells the module. Raises AttributionError without that graph, or when
    an event is of no node in it.
    """
    if trace.graph is None:
        raise AttributionError("onnxruntime: the trace comes without the optimised graph")
    graph = onnx.load(Path(trace.graph), load_external_data=False).graph
    nodes = {node.name: node for node in graph.node}
    paths = {scope.value: scope.path for scope in artifact.scopes}
    places = []
    for index in steady_operators(trace):
        operator = trace.operators[index]
        if operator.level != "operator":
            places.append(residual("runtime"))
            continue
        if operator.name not in nodes:
            raise AttributionError(
                f"onnxruntime: event {operator.name!r} is of no node in the optimised graph",
                hint="does the model have unnamed or equally named nodes?",
            )
        places.append(_place(nodes[operator.name], paths, artifact))
    return Located(tuple(places))


def _place(node: Any, paths: Mapping[str, str | None], artifact: Artifact) -> Place:
    if node.op_type in LAYOUT:
        return residual("layout")
    for value in node.output:
        known = value if value in paths else ADDED.sub("", value)
        if known in paths:
            return block_of(paths[known], artifact.blocks)
    return residual("layout" if node.op_type == "Transpose" else "unattributed")
