"""
Models of 8 bits by the converters' own quantisers: `python -m tests.devices.quantised FOLDER PTE`.

In FOLDER are `tiny.onnx` and `tiny.tflite`, in float32; PTE is the same of ExecuTorch. There it
writes the three models and `models.json`. It is a process of its own, since converters print, warn,
and load ONNX Runtime.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import msgspec
import numpy as np
import torch

from attnbench.artifacts import load
from attnbench.pipeline.reference import reference_of, trace
from attnbench.rewrites import REWRITES, rewrite
from attnbench_models.natural import natural_images

SIZE = (32, 24)
SEED = 7


class Quantised(msgspec.Struct, frozen=True):
    """A model; its output's step; the input's scale and both zero points where those are int8."""

    file: str
    step: float
    input_scale: float | None = None
    input_zero: int = 0
    output_zero: int = 0


def calibration() -> Iterator[np.ndarray]:
    """As many images as the quantisers' own examples take."""
    for image in natural_images(8, SIZE, SEED).numpy():
        yield image[None].copy()  # of None alone the stride is 0, which exir refuses


def onnx(folder: Path) -> Quantised:
    import onnx as format_
    from onnx import numpy_helper
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared, made = folder / "prepared.onnx", folder / "tiny-int8.onnx"
    quant_pre_process(folder / "tiny.onnx", prepared, skip_symbolic_shape=True)
    name = format_.load(prepared).graph.input[0].name

    class Reader(CalibrationDataReader):
        images = calibration()

        def get_next(self):
            image = next(self.images, None)
            return None if image is None else {name: image}

    quantize_static(prepared, made, Reader(), quant_format=QuantFormat.QDQ, per_channel=True)
    graph = format_.load(made).graph
    last = next(node for node in graph.node if graph.output[0].name in node.output)
    assert last.op_type == "DequantizeLinear"
    (scale,) = (one for one in graph.initializer if one.name == last.input[1])
    return Quantised(made.name, float(numpy_helper.to_array(scale)))


def tflite(folder: Path) -> Quantised:
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import quantizer, recipe

    made = folder / "tiny-int8.tflite"
    work = quantizer.Quantizer(str(folder / "tiny.tflite"))
    work.load_quantization_recipe(recipe.static_wi8_ai8())
    seen = work.calibrate({"serving_default": [{"args_0": image} for image in calibration()]})
    made.write_bytes(bytes(work.quantize(seen).quantized_model))
    told = Interpreter(str(made))
    scale, zero = told.get_input_details()[0]["quantization"]
    step, middle = told.get_output_details()[0]["quantization"]
    return Quantised(made.name, float(step), float(scale), int(zero), int(middle))


def executorch(folder: Path, plain: Path) -> Quantised:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from executorch.exir import to_edge_transform_and_lower
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    example = (torch.from_numpy(next(calibration())),)
    traced = trace(reference_of(load(plain)), example).module(check_guards=False)
    wanted = [one for one in REWRITES if "executorch" in one.backends]
    program = torch.export.export(rewrite(traced, example, wanted)[0], example).module()
    config = get_symmetric_quantization_config(is_per_channel=True)
    observed = prepare_pt2e(program, XNNPACKQuantizer().set_global(config))
    with torch.no_grad():
        for image in calibration():
            observed(torch.from_numpy(image))
    converted = convert_pt2e(observed)
    steps = [node.args[1] for node in converted.graph.nodes if "dequantize_per" in str(node.target)]
    lowered = to_edge_transform_and_lower(
        torch.export.export(converted, example), partitioner=[XnnpackPartitioner()]
    )
    made = folder / "tiny-int8.pte"
    made.write_bytes(lowered.to_executorch().buffer)
    return Quantised(made.name, float(steps[-1]))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    here, pte = map(Path, sys.argv[1:])
    models = {"onnx": onnx(here), "tflite": tflite(here), "executorch": executorch(here, pte)}
    (here / "models.json").write_bytes(msgspec.json.encode(models))
