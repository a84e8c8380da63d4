"""Ways to take a PyTorch model off the desk."""

from __future__ import annotations

from attnbench.backends.base import Backend, Exported, Quantisation, Quantising
from attnbench.backends.formats import FORMATS, Format
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


def format_of(name: str) -> Format:
    """A backend's format, without importing the backend where it is one of ours."""
    return FORMATS.get(name) or BACKENDS.get(name).format


__all__ = [
    "BACKENDS",
    "FORMATS",
    "Backend",
    "Exported",
    "Format",
    "Quantisation",
    "Quantising",
    "format_of",
]
