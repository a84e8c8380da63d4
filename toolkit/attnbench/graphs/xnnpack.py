"""The graph that an XNNPACK delegate holds, and the one between other values of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any

from attnbench.attribution.executorch import KINDS
from attnbench.errors import BadArtifact
from attnbench.graphs.base import Node
from attnbench.records import Scope

NOBODY = 0xFFFFFFFF
"""The number of a value that is not there, or is not external."""

OF_NO_OPERATOR = 0xFFFF
"""The ordinal of a node that the delegate added for its own layout."""

INPUT, OUTPUT = 1, 2

FLOAT32 = "xnn_datatype_fp32"

CONVERT = "convert"

FUSED = ("norm", "clamp")
"""What is fused into the operator before it."""

ABSENT = (*FUSED, CONVERT, "transpose")
"""What may have no node."""

WORDS = {
    "Conv2d": "conv",
    "DepthwiseConv2d": "conv",
    "FullyConnected": "linear",
    "AvgPooling2d": "avgpool",
    "GlobalAvgPooling2d": "mean",
    "MaxPooling2d": "maxpool",
    "StaticReshape": "reshape",
    "StaticTranspose": "transpose",
    "StaticSlice": "slice",
    "StaticConstantPad": "pad",
    "BatchMatrixMultiply": "matmul",
    "Multiply": "mul",
    "Add": "add",
    "Subtract": "sub",
    "Div": "div",
    "Sigmoid": "sigmoid",
    "Hardswish": "hardswish",
    "Softmax": "softmax",
    "Clamp": "clamp",
    "Convert": CONVERT,
}
"""Nodes of the delegate in the words of `attribution.executorch`, where one is sure."""


SAME = {"operand": "transpose", "depthwise": "conv"}
"""Products may absorb a transpose; which kind of convolution it is, XNNPACK decides."""


class Delegate:
    """
    One delegate of a program, whose call has `args`, by the names that they have in the program.

    `names` says for each of its values what it is called there, None of constants. Its nodes know
    the ordinal of the operator that they were made from; an activation that was fused into its
    producer has none.
    """

    def __init__(self, graph: Any, args: Sequence[str | None], number: int) -> None:
        self.graph = graph
        self.values = {_tensor(one)["id_out"]: _tensor(one) for one in graph["xvalues"]}
        self.external = {at: one["external_id"] for at, one in self.values.items()}
        self.names: Mapping[int, str | None] = {
            at: None if one["constant_buffer_idx"] else self._name(at, args, number)
            for at, one in self.values.items()
        }

    def _name(self, at: int, args: Sequence[str | None], number: int) -> str | None:
        external = self.external[at]
        return f"{number}.{at}" if external == NOBODY else args[external]

    def nodes(self, scopes: Sequence[Scope], source: str, *, whole: bool) -> list[Node]:
        """
        Its nodes in the modules of their operators; `whole` if it is all there is in the program.

        Raises BadArtifact for other operators than the scopes'.
        """
        nodes = self.graph["xnodes"]
        ordinals = _said(nodes) if whole else _aligned(nodes, scopes)
        paths = _paths(ordinals, nodes, scopes, source)
        roots = [None if at is None else scopes[at - 1].path for at in ordinals]
        return [*map(self._node, nodes, paths, roots)]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Those of the values that only it knows."""
        inner = (at for at, external in self.external.items() if external == NOBODY)
        found = ((self.names[at], tuple(self.values[at]["dims"])) for at in inner)
        return {name: shape for name, shape in found if name is not None}

    def _node(self, node: Any, path: str | None, root: str | None) -> Node:
        outputs = tuple(str(self.names[at]) for at in _made(node))
        inputs = tuple(name for at in _read(node) if (name := self.names[at]) is not None)
        return Node(f"{_kind(node)} {outputs[0]}", _kind(node), path, inputs, outputs, root)

    def between(
        self,
        kept: Set[str],
        given: Mapping[str, int],
        shown: Mapping[str, int],
        argument: Callable[[int], int],
    ) -> tuple[Any, list[int]]:
        """
        The graph of the nodes that make `kept`, and the values of the program at its border.

        `given` and `shown` are the values of the program for those that enter and leave the whole
        now, `argument` is which one stands for an argument of the call before. What is at the
        border only now is float32 there: a value of fewer bits is converted.
        """
        graph = copy.deepcopy(self.graph)
        graph["xnodes"] = [node for node in graph["xnodes"] if kept & self._called(_made(node))]
        made = {at for node in graph["xnodes"] for at in _made(node)}
        entering, leaving = {}, {}
        for at in dict.fromkeys(at for node in graph["xnodes"] for at in _read(node)):
            external, name = self.external[at], str(self.names[at])
            if at in made:
                continue
            if name in given and at not in graph["input_ids"]:
                entering[_outside(graph, self.values[at], enters=True)] = given[name]
            elif external != NOBODY:
                entering[at] = argument(external)
        for at in made:
            name = str(self.names[at])
            if self.external[at] != NOBODY:
                leaving[at] = argument(self.external[at])
            elif name in shown:
                leaving[_outside(graph, self.values[at], enters=False)] = shown[name]
        _border(graph, [*entering], [*leaving])
        return graph, [*entering.values(), *leaving.values()]

    def _called(self, values: Sequence[int]) -> set[str]:
        return {name for at in values if (name := self.names[at]) is not None}


def _border(graph: Any, entering: list[int], leaving: list[int]) -> None:
    """Make these values the graph's inputs and outputs."""
    border = {one: at for at, one in enumerate((*entering, *leaving))}
    for one in map(_tensor, graph["xvalues"]):
        at = border.get(one["id_out"], NOBODY)
        one["external_id"] = at
        one["flags"] = 0 if at == NOBODY else INPUT if at < len(entering) else OUTPUT
    graph["num_externs"] = len(border)
    graph["input_ids"], graph["output_ids"] = entering, leaving


def _made(node: Any) -> list[int]:
    return [one for key, one in node["xnode_union"].items() if _is_output(key)]


def _read(node: Any) -> list[int]:
    union = node["xnode_union"]
    found = (one for key, one in union.items() if key.endswith("_id") and not _is_output(key))
    return [one for one in found if one != NOBODY]


def _outside(delegate: Any, value: Any, *, enters: bool) -> int:
    """The number of the float32 value at the border for one inside, and a node between the two."""
    inside = int(value["id_out"])
    if value["datatype"] == FLOAT32:
        return inside
    outside = 1 + max(int(_tensor(one)["id_out"]) for one in delegate["xvalues"])
    new = value | {"datatype": FLOAT32, "id_out": outside}
    delegate["xvalues"].append({"xvalue_union_type": "XNNTensorValue", "xvalue_union": new})
    ends = (outside, inside) if enters else (inside, outside)
    convert = {
        "xnode_union_type": "XNNConvert",
        "xnode_union": {"input_id": ends[0], "output_id": ends[1], "flags": 0},
        "debug_handle": OF_NO_OPERATOR,
    }
    delegate["xnodes"].insert(0 if enters else len(delegate["xnodes"]), convert)
    return outside


def _said(nodes: Sequence[Any]) -> list[int | None]:
    """Which operator each node says that it was made from, None where the delegate added it."""
    said = (node["debug_handle"] for node in nodes)
    return [None if at == OF_NO_OPERATOR else at for at in said]


def _aligned(nodes: Sequence[Any], scopes: Sequence[Scope]) -> list[int | None]:
    """
    The same by order and kind, NOBODY where none fits: what it says counts other operators too.

    Each node is the next operator of its kind, with only such between that may have no node.
    """
    found: list[int | None] = []
    last = 0
    for said, node in zip(_said(nodes), nodes, strict=True):
        if said is not None:
            near = _next(last, scopes)
            last = next((at for at in near if _is_made_of(node, scopes[at - 1])), NOBODY)
        found.append(None if said is None else last)
    return found


def _next(last: int, scopes: Sequence[Scope]) -> Iterator[int]:
    """The ordinals behind one, up to the first that has a node for sure."""
    for at in range(last + 1, len(scopes) + 1):
        yield at
        if _word(scopes[at - 1]) not in ABSENT:
            return


def _is_made_of(node: Any, scope: Scope) -> bool:
    """Whether a node fits, of an unknown kind only an operator that has a node for sure."""
    return _fits(node, scope) and (_kind(node) in WORDS or _word(scope) not in ABSENT)


def _fits(node: Any, scope: Scope) -> bool:
    return WORDS.get(_kind(node), _word(scope)) == _word(scope) != "?"


def _paths(
    ordinals: Sequence[int | None], nodes: Sequence[Any], scopes: Sequence[Scope], source: str
) -> list[str | None]:
    """
    The module of each node's output: that of the operator, or of the activation fused into it.

    Raises BadArtifact where a node is of another kind than the operator with its ordinal.
    """
    paths: list[str | None] = []
    for at, node in zip(ordinals, nodes, strict=True):
        if at is None:
            paths.append(None)
            continue
        if not (0 < at <= len(scopes) and _fits(node, scopes[at - 1])):
            raise BadArtifact(f"{source}: its operators are not those of its manifest")
        while at < len(scopes) and at + 1 not in ordinals and _word(scopes[at]) in FUSED:
            at += 1
        paths.append(scopes[at - 1].path)
    return paths


def _word(scope: Scope) -> str:
    word = KINDS.get(scope.operator.partition(".")[0], "?")
    return SAME.get(word, word)


def _kind(node: Any) -> str:
    return str(node["xnode_union_type"]).removeprefix("XNN")


def _is_output(key: str) -> bool:
    return key.startswith("output") and key.endswith("_id")


def _tensor(value: Any) -> Any:
    union = value["xvalue_union"]
    return union.get("tensor_value", union)
