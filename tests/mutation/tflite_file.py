"""Faults in TFLite files: operators, their options and buffers are edited in the flatbuffer."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from attnbench.graphs.tflite import MAGIC, TFLiteEditor
from attnbench.records import Artifact
from tests.mutation.numbers import Axes, Numbers, other_way_round

Make = Callable[[], bytes]

AXES = {
    "CONV_2D": Axes(0, 3, (1, 2)),
    "DEPTHWISE_CONV_2D": Axes(3, None, (1, 2)),
    "FULLY_CONNECTED": Axes(0, 1),
}
ACTIVATION = schema.ActivationFunctionType


class TFLiteFile:
    """See tests.mutation.faults.File."""

    def __init__(self, artifact: Artifact) -> None:
        editor = TFLiteEditor(artifact)
        self.model, self.nodes = editor.model, editor.graph.nodes

    def numbers(self, at: int) -> tuple[Numbers, Axes] | None:
        axes = AXES.get(self.nodes[at].operator)
        if axes is None:
            return None
        found = {}
        for name, tensor in zip(("weight", "bias"), self._reads(at)[1:3], strict=False):
            if (array := self._constant(tensor)) is not None:
                found[name] = array
        return (found, axes) if "weight" in found else None

    def with_numbers(self, at: int, new: Numbers) -> bytes:
        return self._with(at, {self._reads(at)[1 + (which == "bias")]: new[which] for which in new})

    def options(self, at: int) -> Iterator[tuple[str, Make]]:
        kind = self.nodes[at].operator
        yield from self._fused(at)
        for name, (other, options) in KINDS.get(kind, {}).items():
            yield name, lambda other=other, options=options: self._kind(at, other, options)
        if kind in ("SUB", "CONCATENATION"):
            yield "operands swapped", lambda: self._reversed(at)
        if kind == "PAD":
            yield from self._paddings(at)
        if kind == "TRANSPOSE":
            yield from self._turned(at)
        if kind == "MEAN":
            yield from self._means(at)
        if kind == "RESIZE_BILINEAR":
            yield (
                "corners aligned",
                lambda: self._option(at, alignCorners=True, halfPixelCenters=False),
            )
            yield "asymmetric", lambda: self._option(at, alignCorners=False, halfPixelCenters=False)
        if kind == "SOFTMAX":
            yield "beta 0.9 for 1", lambda: self._option(at, beta=0.9)

    def _fused(self, at: int) -> Iterator[tuple[str, Make]]:
        now = getattr(self._operator(at).builtinOptions, "fusedActivationFunction", None)
        others = {
            ACTIVATION.RELU6: {
                "activation left out": ACTIVATION.NONE,
                "ReLU for ReLU6": ACTIVATION.RELU,
            },
            ACTIVATION.RELU: {
                "activation left out": ACTIVATION.NONE,
                "ReLU6 for ReLU": ACTIVATION.RELU6,
            },
            ACTIVATION.NONE: {"ReLU put in": ACTIVATION.RELU},
        }
        for name, other in others.get(now, {}).items():
            yield name, lambda other=other: self._option(at, fusedActivationFunction=other)

    def _paddings(self, at: int) -> Iterator[tuple[str, Make]]:
        tensor = self._reads(at)[1]
        pads = self._constant(tensor)
        assert pads is not None
        for name, axis in (("height", 1), ("width", 2)):
            new = pads.copy()
            new[axis] += (-1, 1) if new[axis][0] else (1, -1)
            if (new >= 0).all() and not np.array_equal(new, pads):
                yield f"padding off by one in {name}", lambda new=new: self._with(at, {tensor: new})

    def _turned(self, at: int) -> Iterator[tuple[str, Make]]:
        entering, tensor = self._reads(at)[:2]
        order = self._constant(tensor)
        assert order is not None
        shape = list(self.model.subgraphs[0].tensors[entering].shape)
        if (turned := other_way_round(order.tolist(), shape)) is not None:
            new = np.array(turned, np.int32)
            yield "height and width swapped", lambda: self._with(at, {tensor: new})

    def _means(self, at: int) -> Iterator[tuple[str, Make]]:
        tensor = self._reads(at)[1]
        axes = self._constant(tensor)
        assert axes is not None
        if axes.size == 1 and axes.flat[0] in (1, 2):
            yield "height and width swapped", lambda: self._with(at, {tensor: 3 - axes})

    def _operator(self, at: int, model: Any = None) -> Any:
        return (model or self.model).subgraphs[0].operators[at]

    def _reads(self, at: int) -> list[int]:
        return [int(one) for one in self._operator(at).inputs]

    def _constant(self, at: int) -> np.ndarray | None:
        tensor = self.model.subgraphs[0].tensors[at]
        data = self.model.buffers[tensor.buffer].data
        if at < 0 or data is None:
            return None
        types = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.INT32: np.int32}
        return np.frombuffer(bytes(data), types[tensor.type]).reshape(tensor.shape)

    def _with(self, at: int, constants: dict[int, np.ndarray]) -> bytes:
        """With other constants for one operator: axes and paddings may be those of several."""
        model = copy.deepcopy(self.model)
        main, operator = model.subgraphs[0], self._operator(at, model)
        for old, array in constants.items():
            buffer, tensor = schema.BufferT(), copy.deepcopy(main.tensors[old])
            buffer.data = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
            model.buffers.append(buffer)
            tensor.buffer = len(model.buffers) - 1
            main.tensors.append(tensor)
            new = len(main.tensors) - 1
            operator.inputs = [new if one == old else int(one) for one in operator.inputs]
        return _packed(model)

    def _option(self, at: int, **changes: object) -> bytes:
        model = copy.deepcopy(self.model)
        for name, value in changes.items():
            assert hasattr(self._operator(at).builtinOptions, name)
            setattr(self._operator(at, model).builtinOptions, name, value)
        return _packed(model)

    def _kind(self, at: int, name: str, options: str | None) -> bytes:
        model = copy.deepcopy(self.model)
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = min(127, code.builtinCode), 1
        model.operatorCodes.append(code)
        operator = self._operator(at, model)
        operator.opcodeIndex = len(model.operatorCodes) - 1
        operator.builtinOptionsType, operator.builtinOptions = 0, None
        if options is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(schema, f"{options}T")()
        return _packed(model)

    def _reversed(self, at: int) -> bytes:
        model = copy.deepcopy(self.model)
        operator = self._operator(at, model)
        operator.inputs = operator.inputs[::-1]
        return _packed(model)


def _packed(model: Any) -> bytes:
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), MAGIC)
    return bytes(builder.Output())


KINDS = {
    "LOGISTIC": {
        "hard swish for sigmoid": ("HARD_SWISH", "HardSwishOptions"),
        "tanh for sigmoid": ("TANH", None),
    },
    "HARD_SWISH": {"ReLU for hard swish": ("RELU", None)},
    "RELU6": {"ReLU for ReLU6": ("RELU", None), "sigmoid for ReLU6": ("LOGISTIC", None)},
    "ADD": {"difference for sum": ("SUB", "SubOptions")},
    "SUB": {"sum for difference": ("ADD", "AddOptions")},
    "MUL": {"sum for product": ("ADD", "AddOptions")},
}
"""What can be put in place of an operator, by its kind: another one, and its options' table."""
