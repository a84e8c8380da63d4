"""
Small ONNX models with the operator mix of mobile backbones, to calibrate a profiler on.

Chains of one trivial operator underestimate what profiling costs: the profiler's own work evicts
caches that only a realistic model refills. Weights are random; the models compute nothing of use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

STAGES = ((24, 144, 28), (32, 192, 14), (64, 384, 14), (96, 576, 7))
"""Channels, hidden channels and pixels a side of the inverted residuals, as in MobileNetV2."""

REPEATS = 3

INPUT = (1, STAGES[0][0], STAGES[0][2], STAGES[0][2])
"""The shape of every model's one input, float32."""


@dataclass
class Graph:
    """An ONNX graph under construction; every method adds nodes and returns their value's name."""

    rng: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, **attributes: object) -> str:
        """One node with one output."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name, **attributes))
        return name

    def constant(self, value: NDArray[np.generic]) -> str:
        """A weight or shape."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def conv(self, x: str, into: int, out: int, kernel: int = 1, groups: int = 1) -> str:
        """A convolution with bias that keeps the size."""
        shape = (out, into // groups, kernel, kernel)
        scale = (2 / np.prod(shape[1:])) ** 0.5
        weight = self.constant((self.rng.standard_normal(shape) * scale).astype(np.float32))
        bias = self.constant(np.zeros(out, np.float32))
        pads = [kernel // 2] * 4
        return self.add("Conv", x, weight, bias, group=groups, pads=pads, strides=[1, 1])

    def relu6(self, x: str) -> str:
        """min(max(x, 0), 6)."""
        bounds = (self.constant(np.array(bound, np.float32)) for bound in (0, 6))
        return self.add("Clip", x, *bounds)

    def mean(self, x: str, *axes: int) -> str:
        """Mean over axes, kept."""
        return self.add("ReduceMean", x, self.constant(np.array(axes, np.int64)), keepdims=1)


def _no_gate(_graph: Graph, x: str, _channels: int, _pixels: int) -> str:
    return x


def _channel_gate(graph: Graph, x: str, channels: int, _pixels: int) -> str:
    squeezed = graph.conv(graph.mean(x, 2, 3), channels, channels // 24)
    gate = graph.conv(graph.add("Relu", squeezed), channels // 24, channels)
    return graph.add("Mul", x, graph.add("Sigmoid", gate))


def _strip_gates(graph: Graph, x: str, channels: int, pixels: int) -> str:
    columns = graph.add("Transpose", graph.mean(x, 2), perm=[0, 1, 3, 2])
    both = graph.add("Concat", graph.mean(x, 3), columns, axis=2)
    mixed = graph.add("HardSwish", graph.conv(both, channels, 8))
    sizes = graph.constant(np.array([pixels, pixels], np.int64))
    parts = [f"s{len(graph.nodes)}", f"t{len(graph.nodes)}"]
    graph.nodes.append(helper.make_node("Split", [mixed, sizes], parts, parts[0], axis=2))
    columns = graph.add("Transpose", parts[1], perm=[0, 1, 3, 2])
    for part in (parts[0], columns):
        gate = graph.add("Sigmoid", graph.conv(part, 8, channels))
        x = graph.add("Mul", x, gate)
    return x


GATES: dict[str, Callable[[Graph, str, int, int], str]] = {
    "plain": _no_gate,
    "channel": _channel_gate,
    "strips": _strip_gates,
}


def write_models(folder: Path) -> dict[str, Path]:
    """Write every calibration model into `folder`; they take INPUT; by name."""
    paths = {name: folder / f"{name}.onnx" for name in GATES}
    for name, path in paths.items():
        onnx.save(_model(GATES[name]), path)
    return paths


def _model(gate: Callable[[Graph, str, int, int], str]) -> onnx.ModelProto:
    graph, x, previous, size = Graph(np.random.default_rng(0)), "x", STAGES[0][0], STAGES[0][2]
    for channels, hidden, pixels in STAGES:
        if pixels != size:
            x = graph.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
            size = pixels
        for _ in range(REPEATS):
            y = graph.relu6(graph.conv(x, previous, hidden))
            y = graph.relu6(graph.conv(y, hidden, hidden, kernel=3, groups=hidden))
            y = graph.conv(gate(graph, y, hidden, pixels), hidden, channels)
            x = graph.add("Add", x, y) if previous == channels else y
            previous = channels
    shapes = [INPUT, (1, previous, size, size)]
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in zip(("x", x), shapes, strict=True)
    ]
    made = helper.make_graph(graph.nodes, "calibration", values[:1], values[1:], graph.weights)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
