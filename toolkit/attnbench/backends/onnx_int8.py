"""ONNX in 8 bits: the float32 file with QuantizeLinear and DequantizeLinear in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from attnbench.backends.base import Exported, Quantisation, words
from attnbench.errors import ExportError
from attnbench.records import Delegation, Scope

ADDED = re.compile(r"_(Q|Deq)uantizeLinear_(Input|Output)$")
"""What the quantiser appends to the name of a value that it makes."""

REFUSALS = (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError)
"""What it raises; it has no exception of its own."""


class Samples(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Calibration data under the names of the graph's inputs."""

    def __init__(self, names: Sequence[str], samples: Sequence[Sequence[Any]]) -> None:
        self.feeds = iter(
            [dict(zip(names, (one.numpy() for one in sample), strict=True)) for sample in samples]
        )

    def get_next(self) -> dict[str, Any] | None:
        """The next feed, None after the last."""
        return next(self.feeds, None)


def quantised(path: Path, scopes: Sequence[Scope], wanted: Quantisation) -> Exported:
    """
    Quantise the file in place, activations by tensor and weights by channel.

    What is inserted belongs to the module of the value that it quantises.
    """
    float32 = onnx.load(path)
    names = [one.name for one in float32.graph.input]
    kept = [
        node.name
        for node, scope in zip(float32.graph.node, scopes, strict=True)
        if wanted.keeps(scope.path)
    ]
    try:
        quantize_static(
            float32,
            path,
            Samples(names, wanted.samples),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=kept,
        )
    except REFUSALS as error:
        raise ExportError(f"onnx: its quantiser refused the model: {words(error)}") from error
    made = onnx.load(path)
    found = _scopes(made.graph.node, scopes)
    for node, scope in zip(made.graph.node, found, strict=True):
        # A convolution returns what the clamp did that it took in; the runtime goes by its name.
        node.name = scope.value
    onnx.save(made, path)
    return Exported(found, Delegation(delegates=0, delegated=len(found)))


def _scopes(nodes: Sequence[Any], before: Sequence[Scope]) -> tuple[Scope, ...]:
    """The operators of the quantised file; those of constants and inputs are their reader's."""
    paths = {scope.value: scope.path for scope in before}
    readers: dict[str, str | None] = {}
    found = []
    for node in reversed(nodes):
        value = node.output[0]
        path = next(
            (paths[one] for one in (value, ADDED.sub("", value), node.name) if one in paths),
            readers.get(value),
        )
        readers |= dict.fromkeys(node.input, path)
        found.append(Scope(value, node.op_type, path))
    return tuple(found[::-1])
