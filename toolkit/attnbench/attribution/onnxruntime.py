"""ONNX Runtime: the graph that ran, joined to the exporter's scopes by the names of its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from attnbench.attribution.places import Located, Place, block_of, residual, steady_operators
from attnbench.errors import AttributionError
from attnbench.records import Artifact, Delegation, Operator, Trace

LAYOUT = ("ReorderInput", "ReorderOutput")
"""Operators that ONNX Runtime inserts to enter and leave its blocked NCHWc layout."""

ADDED = re.compile(r"(_nchwc|_token_\d+|_transpose)+$")
"""What its optimisers append to the name of a value that they make again."""


def locate(trace: Trace, artifact: Artifact) -> Located:
    """
    The place of every event.

    The trace names nodes of the session's own optimised graph, which the runner saved: it exists
    nowhere else and differs by instruction set. There a node's output keeps the exporter's name,
    save for a suffix, or the node is named after it; so it tells the module. Raises
    AttributionError without that graph, or when an event is not of one node in it.
    """
    if trace.graph is None:
        raise AttributionError("onnxruntime: the trace comes without the optimised graph")
    graph = onnx.load(Path(trace.graph), load_external_data=False).graph
    paths = {scope.value: scope.path for scope in artifact.scopes}
    found: dict[str, set[Place]] = {}
    for node in graph.node:
        found.setdefault(node.name, set()).add(_place(node, paths, artifact))
    sequence = steady_operators(trace)
    return Located(tuple(_event_place(trace.operators[index], found) for index in sequence))


def delegation(_trace: Trace, artifact: Artifact) -> Delegation:
    """As exported: the CPU provider runs every operator itself."""
    return artifact.delegation


def _event_place(operator: Operator, found: Mapping[str, set[Place]]) -> Place:
    if operator.level != "operator":
        return residual("runtime")
    places = found.get(operator.name, set())
    if len(places) != 1:
        what = "several nodes" if places else "no node"
        raise AttributionError(
            f"onnxruntime: event {operator.name!r} is of {what} in the optimised graph",
            hint="does the model have unnamed or equally named nodes?",
        )
    return next(iter(places))


def _place(node: Any, paths: Mapping[str, str | None], artifact: Artifact) -> Place:
    if node.op_type in LAYOUT:
        return residual("layout")
    for name in (*node.output, node.name):
        known = name if name in paths else ADDED.sub("", name)
        if known in paths:
            return block_of(paths[known], artifact.blocks)
    return residual("layout" if node.op_type == "Transpose" else "unattributed")
