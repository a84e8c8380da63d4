"""TFLite in 8 and 16 bits: the float32 file, changed by ai-edge-quantizer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_quantizer import algorithm_manager, qtyping, quantizer

from attnbench.backends.base import Quantisation, words
from attnbench.errors import ExportError

EVERYTHING = ".*"
HALF = qtyping.OpQuantizationConfig(
    weight_tensor_config=qtyping.TensorQuantizationConfig(
        num_bits=16, dtype=qtyping.TensorDataType.FLOAT
    ),
    compute_precision=qtyping.ComputePrecision.FLOAT,
    explicit_dequantize=True,
)
"""Weights as float16; activations stay float32, which XNNPACK computes in unless forced."""

BORDER = (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT)
"""What stays float32 in 8 bits, so that the file takes and gives what the model does."""

FLOAT_ONLY = (
    qtyping.TFLOperationName.SOFTMAX,
    qtyping.TFLOperationName.DIV,
    qtyping.TFLOperationName.MAXIMUM,
)
"""
What XNNPACK computes in float32 alone: in 8 bits it would run outside the delegate.

TFLite's softmax in 8 bits also has steps of 1/256, whatever the range: over the pixels of a map it
returns zeros.
"""

REFUSALS = (RuntimeError, ValueError, TypeError, KeyError, IndexError, NotImplementedError)
"""What the quantiser raises; it has no exception of its own."""


def quantised(path: Path, wanted: Quantisation) -> bytes:
    """The content of a file like `path` in the wanted precision. Raises ExportError."""
    try:
        work = quantizer.Quantizer(str(path))
        _configure(work, wanted)
        return bytes(work.quantize(_seen(work, wanted.samples)).quantized_model)
    except REFUSALS as error:
        raise ExportError(
            f"tflite: ai-edge-quantizer refused the model in {wanted.precision}: {words(error)}"
        ) from error


def _configure(work: Any, wanted: Quantisation) -> None:
    """The quantiser's recipe; what is said later rules."""
    every, none = (
        qtyping.TFLOperationName.ALL_SUPPORTED,
        algorithm_manager.AlgorithmName.NO_QUANTIZE,
    )
    if wanted.precision == "int8":
        work.add_static_config(EVERYTHING, every, activation_num_bits=8, weight_num_bits=8)
        for operation in (*BORDER, *FLOAT_ONLY):
            work.update_quantization_recipe(EVERYTHING, operation, algorithm_key=none)
    else:
        casting = algorithm_manager.AlgorithmName.FLOAT_CASTING
        work.update_quantization_recipe(EVERYTHING, every, HALF, casting)
    for module in wanted.keep_float:
        label = re.escape(module.replace(".", "/"))
        work.update_quantization_recipe(f"^/*{label}(/|;|$)", every, algorithm_key=none)


def _seen(work: Any, samples: Sequence[Sequence[Any]]) -> dict[str, Any] | None:
    """
    The ranges of the tensors, None where nothing is calibrated.

    One sample at a time: of several the quantiser itself takes a moving average, which clips the
    ranges of the few.
    """
    found: dict[str, Any] = {}
    for sample in samples:
        feed = {f"args_{at}": tensor.numpy() for at, tensor in enumerate(sample)}
        for name, one in work.calibrate({"serving_default": [feed]}).items():
            before = found.get(name, one)
            found[name] = one and {
                "min": np.minimum(one["min"], before["min"]),
                "max": np.maximum(one["max"], before["max"]),
            }
    return {name: one and _alive(one) for name, one in found.items()} or None


def _alive(seen: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    A tensor's range; from 0 to 1 if it never left 0, as behind a ReLU that never opened.

    Every step has 0, but XNNPACK loads no convolution whose result has one far below its own.
    """
    silent = not np.any(seen["min"]) and not np.any(seen["max"])
    return {**seen, "max": np.ones_like(seen["max"])} if silent else seen
