"""
ExecuTorch programs that are one XNNPACK delegate: its values become outputs of the program.

The delegate holds a graph of its own, whose nodes know the ordinal of the operator that they were
made from. An activation that was fused into its producer has no node.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attnbench.attribution.executorch import KINDS
from attnbench.errors import BadArtifact, BadOption
from attnbench.graphs.base import Editor, Graph, Node, needed, placed
from attnbench.graphs.pte import Program, read_program
from attnbench.records import Artifact, Scope

NOBODY = 0xFFFFFFFF
"""The number of a value that is not there, or is not external."""

OF_NO_OPERATOR = 0xFFFF
"""The ordinal of a node that the delegate added for its own layout."""

INPUT, OUTPUT = 1, 2

FUSED = ("norm", "clamp")
"""What is fused into the operator before it."""

WORDS = {
    "Conv2d": "conv",
    "DepthwiseConv2d": "depthwise",
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
}
"""Nodes of the delegate in the words of `attribution.executorch`, where one is sure."""


class ExecuTorchEditor:
    """See Editor."""

    def __init__(self, artifact: Artifact) -> None:
        if artifact.delegation.outside or artifact.delegation.delegates != 1:
            outside = len(artifact.delegation.outside)
            raise BadOption(
                f"executorch: {artifact.delegation.delegates} delegates and {outside} operators "
                "outside of them: only a program that is one delegate can be observed inside",
                hint="docs/parity.md says what else there is",
            )
        self.program: Program = read_program(Path(artifact.path))
        self.delegate = self.program.delegate
        self.values = {_tensor(one)["id_out"]: _tensor(one) for one in self.delegate["xvalues"]}
        self.held = self._held()
        nodes = self.delegate["xnodes"]
        paths = _paths(nodes, artifact.scopes, artifact.path)
        roots = [_root(node, artifact.scopes) for node in nodes]
        self.graph = Graph(
            placed(map(self._node, nodes, paths, roots)),
            tuple(str(one) for one in self.delegate["input_ids"] if one not in self.held),
            tuple(map(str, self.delegate["output_ids"])),
            {str(at): tuple(one["dims"]) for at, one in self.values.items()},
        )

    def _held(self) -> dict[int, int]:
        """The values that enter as constants of the program around, and what they are there."""
        plan = self.program.file.program.execution_plan[0]
        args = plan.chains[0].instructions[0].instr_args.args
        entering = {at: args[self.values[at]["external_id"]] for at in self.delegate["input_ids"]}
        return {at: value for at, value in entering.items() if value not in plan.inputs}

    def _node(self, node: Any, path: str | None, root: str | None) -> Node:
        union = node["xnode_union"]
        outputs = [one for key, one in union.items() if _is_output(key)]
        inputs = [one for key, one in union.items() if key.endswith("_id") and not _is_output(key)]
        known = {NOBODY, *self.held}
        computed = [
            one
            for one in inputs
            if one not in known and not self.values[one]["constant_buffer_idx"]
        ]
        name = f"{_kind(node)} {outputs[0]}"
        values = tuple(map(str, computed)), tuple(map(str, outputs))
        return Node(name, _kind(node), path, *values, root)

    def observed(self, values: Sequence[str]) -> bytes:
        """See Editor."""
        return self._between(self.graph.inputs, (*self.graph.outputs, *values), self.graph.nodes)

    def cut(self, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
        """See Editor."""
        kept = [self.graph.nodes[at] for at in needed(self.graph.nodes, inputs, outputs)]
        return self._between(inputs, outputs, kept)

    def _between(
        self, inputs: Sequence[str], outputs: Sequence[str], kept: Sequence[Node]
    ) -> bytes:
        """The program of these nodes alone, with these values at its border."""
        delegate = copy.deepcopy(self.delegate)
        made = {one for node in kept for one in node.outputs}
        pairs = zip(delegate["xnodes"], self.graph.nodes, strict=True)
        delegate["xnodes"] = [node for node, known in pairs if known.outputs[0] in made]
        entering = [*map(int, inputs), *self.held]
        border = {one: at for at, one in enumerate((*entering, *map(int, outputs)))}
        for one in map(_tensor, delegate["xvalues"]):
            at = border.get(one["id_out"], NOBODY)
            one["external_id"] = at
            one["flags"] = 0 if at == NOBODY else INPUT if at < len(entering) else OUTPUT
        delegate["num_externs"] = len(border)
        delegate["input_ids"], delegate["output_ids"] = entering, [*map(int, outputs)]
        shapes = [self.graph.shapes[one] for one in (*inputs, *outputs)]
        return self.program.with_delegate(delegate, shapes, len(inputs), self.held.values())


def _paths(nodes: Sequence[Any], scopes: Sequence[Scope], source: str) -> list[str | None]:
    """
    The module of each node's output: that of the operator, or of the activation fused into it.

    Raises BadArtifact where a node is of another kind than the operator with its ordinal.
    """
    ordinals = {node["debug_handle"] for node in nodes}
    paths: list[str | None] = []
    for node in nodes:
        at = node["debug_handle"]
        if at == OF_NO_OPERATOR:
            paths.append(None)
            continue
        word = _word(scopes[at - 1]) if at <= len(scopes) else ""
        if not word or WORDS.get(_kind(node), word) != word:
            raise BadArtifact(f"{source}: its operators are not those of its manifest")
        while at < len(scopes) and at + 1 not in ordinals and _word(scopes[at]) in FUSED:
            at += 1
        paths.append(scopes[at - 1].path)
    return paths


def _root(node: Any, scopes: Sequence[Scope]) -> str | None:
    at = node["debug_handle"]
    return None if at == OF_NO_OPERATOR else scopes[at - 1].path


def _word(scope: Scope) -> str:
    word = KINDS.get(scope.operator.partition(".")[0], "?")
    return "transpose" if word == "operand" else word  # of a product, and not always absorbed by it


def _kind(node: Any) -> str:
    return str(node["xnode_union_type"]).removeprefix("XNN")


def _is_output(key: str) -> bool:
    return key.startswith("output") and key.endswith("_id")


def _tensor(value: Any) -> Any:
    union = value["xvalue_union"]
    return union.get("tensor_value", union)


EDITOR: type[Editor] = ExecuTorchEditor
