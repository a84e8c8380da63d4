"""What is known of a backend without importing it: enough to look into the cache."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """
    A kind of artifact.

    `engine` is the runner's engine for it, None where no runtime exists on this system. `program`
    is whether attnbench computes such files itself, so that they can be judged all the same.
    `packages` are the distributions whose versions shape the artifact.
    """

    name: str
    suffix: str
    engine: str | None
    packages: tuple[str, ...]
    program: bool = False


ONNX = Format("onnx", ".onnx", "onnxruntime", ("torch", "onnx", "onnxscript", "onnxruntime"))
TFLITE = Format(
    "tflite", ".tflite", "litert", ("torch", "litert-torch", "litert-converter", "ai-edge-litert")
)
EXECUTORCH = Format("executorch", ".pte", "executorch", ("torch", "torchao", "executorch"))
COREML = Format("coreml", ".mlpackage", None, ("torch", "coremltools"), program=True)

FORMATS = {one.name: one for one in (ONNX, TFLITE, EXECUTORCH, COREML)}
