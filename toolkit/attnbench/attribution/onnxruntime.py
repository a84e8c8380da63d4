"""ONNX Runtime: the graph that ran, joined to the exporter's scopes by the names of its values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx

from attnbench.attribution.places import (
    Located,
    Place,
    block_of,
    leaves,
    residual,
    steady_operators,
)
from attnbench.errors import AttributionError
from attnbench.records import Artifact, Delegation, Operator, Trace

LAYOUT = ("ReorderInput", "ReorderOutput")
"""Operators that ONNX Runtime inserts to enter and leave its blocked NCHWc layout."""

INLINED = "_inlfunc_"
"""How it begins the names of values inside a function of ONNX that it has expanded."""

MOVES = ("Transpose", "Reshape")
"""What it inserts to change a layout otherwise; a transpose of one row or column is a reshape."""

ADDED = re.compile(
    r"^InsertedPrecisionFreeCast_"
    r"|(_nchwc|_token_\d+|_transpose|/duplicated|_q|_(Q|Deq)uantizeLinear(_Output|_Input)?)+$"
    r"|/\w+Fusion/?$"
)
"""What its optimisers put around the name of a value that they make again, or of a fused node."""

SCALED = re.compile(r"_(mul|bn)_nchwc$")
"""What it puts behind the name of a product or BatchNorm that it makes a convolution of."""

CONVERSIONS = ("Cast", "QuantizeLinear", "DequantizeLinear")
"""Changes of a value's type; one of a constant or input is of what reads it."""


def locate(trace: Trace, artifact: Artifact) -> Located:
    """
    The place of every event.

    The trace names nodes of the session's own optimised graph, which the runner saved: it exists
    nowhere else and differs by instruction set. There a node's output keeps the exporter's name,
    save for a suffix, or the node does, which the exporter has called alike; so it tells the
    module. Raises AttributionError without that graph, or when an event is not of one node in it.
    """
    if trace.graph is None:
        raise AttributionError("onnxruntime: the trace comes without the optimised graph")
    graph = onnx.load(Path(trace.graph), load_external_data=False).graph
    paths = {scope.value: scope.path for scope in artifact.scopes}
    sequence = steady_operators(trace)
    ran = [trace.operators[sequence[at]] for at in leaves(trace, sequence)]
    inside = _read_by(graph.node, paths)
    found: dict[str, set[Place]] = {}
    for node, name in zip(graph.node, _names(graph.node, ran), strict=True):
        found.setdefault(name, set()).add(_place(node, paths | inside, artifact))
    return Located(tuple(_event_place(trace.operators[index], found) for index in sequence))


def delegation(_trace: Trace, artifact: Artifact) -> Delegation:
    """As exported: the CPU provider runs every operator itself."""
    return artifact.delegation


def _read_by(nodes: Sequence[Any], paths: Mapping[str, str | None]) -> dict[str, str | None]:
    """
    Values that the exporter does not know, each of the module of what reads it.

    They are inside an expanded function, some without a name, or converted constants and inputs.
    """
    found: dict[str, str | None] = {}
    converted = {one for node in nodes if node.op_type in CONVERSIONS for one in node.output}
    for node in reversed(nodes):
        known = {**paths, **found}
        path = next(
            (known[_plain(name, known)] for name in node.output if _plain(name, known)), None
        )
        unknown = (name for name in node.input if not _plain(name, paths))
        found |= {name: path for name in unknown if name in converted or _is_made_up(name)}
    return found


def _is_made_up(name: str) -> bool:
    """Whether a value is inside an expanded function, whose own may have no name."""
    plain = ADDED.sub("", name)
    return not plain or plain.startswith(INLINED)


def _plain(name: str, known: Mapping[str, str | None]) -> str:
    """The name under which a value is known, or else none."""
    names = (name, ADDED.sub("", name), SCALED.sub("", name))
    return next((one for one in names if one in known), "")


def _names(nodes: Sequence[Any], ran: Sequence[Operator]) -> list[str]:
    """
    The names by which events call nodes.

    What a function of ONNX was expanded to has no name in the graph, and one made up in the trace.
    Nodes are saved in the order in which they run: where that holds throughout, places tell.
    """
    alike = len(nodes) == len(ran) and all(
        node.name in ("", operator.name) and node.op_type == operator.kind
        for node, operator in zip(nodes, ran, strict=True)
    )
    return [one.name for one in (ran if alike else nodes)]


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
        if known := _plain(name, paths):
            return block_of(paths[known], artifact.blocks)
    return residual("layout" if node.op_type in MOVES else "unattributed")
