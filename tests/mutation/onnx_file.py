"""Faults in ONNX files: the graph's own nodes and initializers are edited."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import onnx
from onnx import numpy_helper

from attnbench.graphs.onnx import OnnxEditor
from attnbench.records import Artifact
from tests.mutation.numbers import Axes, Numbers, other_way_round

Edit = Callable[[onnx.NodeProto], bool]
"""Changes a node in place; whether there was anything to change."""


class OnnxFile:
    """See tests.mutation.faults.File."""

    def __init__(self, artifact: Artifact) -> None:
        editor = OnnxEditor(artifact)
        self.model, self.nodes = editor.model, editor.graph.nodes
        self.shapes = editor.graph.shapes
        self.constants = {one.name: one for one in self.model.graph.initializer}

    def numbers(self, at: int) -> tuple[Numbers, Axes] | None:
        node = self.model.graph.node[at]
        names = [name for name in node.input[1:3] if name in self.constants]
        if node.op_type not in ("Conv", "Gemm") or not names:
            return None
        arrays = [numpy_helper.to_array(self.constants[name]) for name in names]
        return dict(zip(("weight", "bias"), arrays, strict=False)), _axes(arrays[0])

    def with_numbers(self, at: int, new: Numbers) -> bytes:
        model = _copied(self.model)
        for which, array in new.items():
            name = model.graph.node[at].input[1 if which == "weight" else 2]
            constant = next(one for one in model.graph.initializer if one.name == name)
            constant.CopyFrom(numpy_helper.from_array(array, name))
        return bytes(model.SerializeToString())

    def options(self, at: int) -> Iterator[tuple[str, Callable[[], bytes]]]:
        for name, edit in EDITS.get(self.model.graph.node[at].op_type, {}).items():
            model = _copied(self.model)
            if edit(model.graph.node[at]):
                yield name, model.SerializeToString
        if self.model.graph.node[at].op_type == "ReduceMean":
            yield from self._axes(at)
        if self.model.graph.node[at].op_type in ("Add", "Mul"):
            yield from self._turned(at)

    def _turned(self, at: int) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """The operator's output transposed, where it is a square map."""
        name = self.model.graph.node[at].output[0]
        order = other_way_round([0, 1, 2, 3], self.shapes.get(name, ()))
        if order is not None:
            model = _copied(self.model)
            model.graph.node[at].output[0] = "turned"
            turn = onnx.helper.make_node("Transpose", ["turned"], [name], perm=order)
            model.graph.node.insert(at + 1, turn)
            yield "height and width swapped", model.SerializeToString

    def _axes(self, at: int) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """Height for width; where both are kept or gone, nothing is wrong."""
        name = self.model.graph.node[at].input[1]
        axes = numpy_helper.to_array(self.constants[name])
        other = {2: 3, 3: 2, -1: -2, -2: -1}
        swapped = np.array([other.get(int(one), int(one)) for one in axes.reshape(-1)], axes.dtype)
        if set(swapped.tolist()) == set(axes.reshape(-1).tolist()):
            return
        model = _copied(self.model)
        model.graph.node[at].input[1] = "swapped"
        model.graph.initializer.append(numpy_helper.from_array(swapped, "swapped"))
        yield "height and width swapped", model.SerializeToString


def _copied(model: onnx.ModelProto) -> onnx.ModelProto:
    new = onnx.ModelProto()
    new.CopyFrom(model)
    return new


def _axes(weight: np.ndarray) -> Axes:
    if weight.ndim == 2:
        return Axes(0, 1)
    reads = 1 if weight.shape[1] > 1 else None
    return Axes(0, reads, (2, 3) if weight.shape[2:] != (1, 1) else None)


def _kind(name: str) -> Edit:
    """Another operator of as many inputs."""

    def edit(node: onnx.NodeProto) -> bool:
        node.op_type = name
        del node.attribute[:]
        if name in ("Identity", "Relu", "Sigmoid", "HardSigmoid", "Tanh"):
            del node.input[1:]
        return True

    return edit


def _padding(shift: tuple[int, int, int, int]) -> Edit:
    def edit(node: onnx.NodeProto) -> bool:
        pads = next((one for one in node.attribute if one.name == "pads"), None)
        if pads is None or not any(pads.ints):
            return False
        new = [one + by for one, by in zip(pads.ints, shift, strict=True)]
        pads.ints[:] = new
        return min(new) >= 0

    return edit


def _reversed(node: onnx.NodeProto) -> bool:
    names = list(node.input)
    node.input[:] = names[::-1]
    return names != names[::-1]


def _outputs_reversed(node: onnx.NodeProto) -> bool:
    names = list(node.output)
    node.output[:] = names[::-1]
    return len(names) > 1


def _attribute(name: str, value: object) -> Edit:
    def edit(node: onnx.NodeProto) -> bool:
        kept = [one for one in node.attribute if one.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, onnx.helper.make_attribute(name, value)])
        return True

    return edit


EDITS: dict[str, dict[str, Edit]] = {
    "Conv": {
        "padding off by one in height": _padding((-1, 0, 1, 0)),
        "padding off by one in width": _padding((0, -1, 0, 1)),
    },
    "Clip": {"activation left out": _kind("Identity"), "ReLU for ReLU6": _kind("Relu")},
    "Relu": {"activation left out": _kind("Identity"), "sigmoid for ReLU": _kind("Sigmoid")},
    "Sigmoid": {
        "hard sigmoid for sigmoid": _kind("HardSigmoid"),
        "tanh for sigmoid": _kind("Tanh"),
        "activation left out": _kind("Identity"),
    },
    "HardSigmoid": {
        "sigmoid for hard sigmoid": _kind("Sigmoid"),
        "slope 0.2 for 1 / 6": _attribute("alpha", 0.2),
    },
    "HardSwish": {"ReLU for hard swish": _kind("Relu"), "activation left out": _kind("Identity")},
    "Sub": {"operands swapped": _reversed, "sum for difference": _kind("Add")},
    "Add": {"difference for sum": _kind("Sub"), "left out": _kind("Identity")},
    "Mul": {"sum for product": _kind("Add"), "left out": _kind("Identity")},
    "Concat": {"order reversed": _reversed},
    "Split": {"order reversed": _outputs_reversed},
    "Softmax": {"other axis": _attribute("axis", 1)},
    "Resize": {
        "corners aligned": _attribute("coordinate_transformation_mode", "align_corners"),
        "asymmetric": _attribute("coordinate_transformation_mode", "asymmetric"),
        "nearest": _attribute("mode", "nearest"),
    },
}
"""What can be wrong with an operator besides its numbers, by its kind."""
