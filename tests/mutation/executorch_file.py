"""Faults in ExecuTorch programs: the graph of the XNNPACK delegate and its weights are edited."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from attnbench.graphs.executorch import ExecuTorchEditor
from attnbench.graphs.xnnpack import Delegate
from attnbench.records import Artifact
from tests.mutation.numbers import Axes, Numbers, other_way_round

Make = Callable[[], bytes]
Edit = Callable[[Any], bool]
"""Changes a node of the delegate in place; whether there was anything to change."""

AXES = {
    "Conv2d": Axes(0, 3, (1, 2)),
    "DepthwiseConv2d": Axes(3, None, (1, 2)),
    "FullyConnected": Axes(0, 1),
}
ENDLESS = 3e38
"""As good as infinite, which JSON does not know."""

NAMES = {"weight": "filter_id", "bias": "bias_id"}


class ExecuTorchFile:
    """See tests.mutation.faults.File."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self.editor = ExecuTorchEditor(artifact)
        self.delegate = delegate_of(self.editor)
        self.nodes = self.editor.graph.nodes

    def numbers(self, at: int) -> tuple[Numbers, Axes] | None:
        axes = AXES.get(self.nodes[at].operator)
        if axes is None:
            return None
        union = self.delegate.graph["xnodes"][at]["xnode_union"]
        found = {}
        for name, key in NAMES.items():
            if (value := self.delegate.values.get(union[key])) is not None:
                data = bytes(_buffers(self.editor)[_place(self.editor, value)])
                found[name] = np.frombuffer(data, np.float32).reshape(value["dims"])
        return found, axes

    def with_numbers(self, at: int, new: Numbers) -> bytes:
        editor = ExecuTorchEditor(self.artifact)
        delegate = delegate_of(editor)
        union = delegate.graph["xnodes"][at]["xnode_union"]
        for name, array in new.items():
            value = delegate.values[union[NAMES[name]]]
            _buffers(editor)[_place(editor, value)] = array.astype(np.float32).tobytes()
        return editor.observed(())

    def options(self, at: int) -> Iterator[tuple[str, Make]]:
        for name, edit in (FUSED | EDITS.get(self.nodes[at].operator, {})).items():
            if edit(copy.deepcopy(self.delegate.graph["xnodes"][at])):
                yield name, lambda edit=edit: self._with(at, edit)

        turned = self._turned(self.delegate.graph["xnodes"][at])
        if turned is not None:
            yield "height and width swapped", lambda: self._with(at, _ordered(turned))

    def _turned(self, node: Any) -> list[int] | None:
        union = node["xnode_union"]
        if "perm" not in union:
            return None
        return other_way_round(union["perm"], self.delegate.values[union["input_id"]]["dims"])

    def _with(self, at: int, edit: Edit) -> bytes:
        editor = ExecuTorchEditor(self.artifact)
        edit(delegate_of(editor).graph["xnodes"][at])
        return editor.observed(())


def delegate_of(editor: ExecuTorchEditor) -> Delegate:
    """The one delegate of a program that is nothing else."""
    (step,) = editor.steps
    assert step.delegate is not None
    return step.delegate


def _buffers(editor: ExecuTorchEditor) -> Any:
    return editor.program.file.named_data.buffers


def _place(editor: ExecuTorchEditor, value: Any) -> int:
    key = delegate_of(editor).graph["constant_data"][value["constant_buffer_idx"]]["named_key"]
    return int(editor.program.file.named_data.pte_data[key].buffer_index)


def _clamped(low: float, high: float) -> Edit:
    """Other bounds of an activation that was fused into the operator."""

    def edit(node: Any) -> bool:
        bounds = node.get("output_min_max")
        if bounds is None:
            return False
        before = max(bounds["output_min"], -ENDLESS), min(bounds["output_max"], ENDLESS)
        bounds.update({"output_min": low, "output_max": high})
        return before != (low, high)

    return edit


def _padding(less: str, more: str) -> Edit:
    def edit(node: Any) -> bool:
        union = node["xnode_union"]
        if not union[f"padding_{less}"]:
            return False
        union[f"padding_{less}"] -= 1
        union[f"padding_{more}"] += 1
        return True

    return edit


def _kind(name: str) -> Edit:
    """Another node of the same fields."""

    def edit(node: Any) -> bool:
        node["xnode_union_type"] = f"XNN{name}"
        return True

    return edit


def _swapped(one: str, other: str) -> Edit:
    def edit(node: Any) -> bool:
        union = node["xnode_union"]
        changed = union[one] != union[other]
        union[one], union[other] = union[other], union[one]
        return bool(changed)

    return edit


def _ordered(order: list[int]) -> Edit:
    def edit(node: Any) -> bool:
        node["xnode_union"]["perm"] = order
        return True

    return edit


FUSED: dict[str, Edit] = {
    "activation left out": _clamped(-ENDLESS, ENDLESS),
    "ReLU for ReLU6": _clamped(0.0, ENDLESS),
}
PADDED: dict[str, Edit] = {
    "padding off by one in height": _padding("top", "bottom"),
    "padding off by one in width": _padding("left", "right"),
}
EDITS: dict[str, dict[str, Edit]] = {
    "Conv2d": PADDED,
    "DepthwiseConv2d": PADDED,
    "Sigmoid": {"tanh for sigmoid": _kind("Tanh"), "magnitude for sigmoid": _kind("Abs")},
    "Hardswish": {"tanh for hard swish": _kind("Tanh"), "magnitude for hard swish": _kind("Abs")},
    "Subtract": {
        "operands swapped": _swapped("input1_id", "input2_id"),
        "minimum for difference": _kind("Minimum"),
    },
    "Add": {"minimum for sum": _kind("Minimum"), "maximum for sum": _kind("Maximum")},
    "Multiply": {"minimum for product": _kind("Minimum"), "maximum for product": _kind("Maximum")},
    "Concatenate2": {"order reversed": _swapped("input1_id", "input2_id")},
}
"""
What can be wrong with a node besides its numbers, by its kind.

Another kind is one that the exporter has no word for: else the manifest would not be this file's.
"""
