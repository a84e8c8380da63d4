"""Ways to take a PyTorch model off the desk."""

from __future__ import annotations

from attnbench.backends.base import Backend, Exported, Located
from attnbench.registry import Registry

BACKENDS: Registry[Backend] = Registry(
    "backend",
    {
        "onnx": "attnbench.backends.onnx:BACKEND",
        "tflite": "attnbench.backends.tflite:BACKEND",
        "executorch": "attnbench.backends.executorch:BACKEND",
        "coreml": "attnbench.backends.coreml:BACKEND",
    },
)

__all__ = ["BACKENDS", "Backend", "Exported", "Located"]
