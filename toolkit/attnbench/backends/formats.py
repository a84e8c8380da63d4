"""What is known of a backend without importing it: enough to look into the cache."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """
    A kind of artifact.

    `engine` is the runner's engine for it, None where no runtime exists on this system. `program`
    is whether attnbench computes such files itself, so that they can be judged all the same.
    `packages` are the distributions whose versions shape the artifact, `precisions` the number
    formats that it can be made in.
    """

    name: str
    suffix: str
    engine: str | None
    packages: tuple[str, ...]
    program: bool = False
    precisions: tuple[str, ...] = ("fp32",)


ALL = ("fp32", "fp16", "int8")

ONNX = Format(
    "onnx",
    ".onnx",
    "onnxruntime",
    ("torch", "onnx", "onnxscript", "onnxruntime"),
    precisions=ALL,
)
TFLITE = Format(
    "tflite",
    ".tflite",
    "litert",
    ("torch", "litert-torch", "litert-converter", "ai-edge-litert", "ai-edge-quantizer"),
    precisions=ALL,
)
EXECUTORCH = Format(
    "executorch", ".pte", "executorch", ("torch", "torchao", "executorch"), precisions=ALL
)
COREML = Format(
    "coreml",
    ".mlpackage",
    None,
    ("torch", "coremltools"),
    program=True,
    precisions=ALL,
)

FORMATS = {one.name: one for one in (ONNX, TFLITE, EXECUTORCH, COREML)}
