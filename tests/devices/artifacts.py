"""A small model, and a whole one, in every format that runs on devices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attnbench.pipeline.export import Request, export
from attnbench.progress import Silent
from attnbench.records import Artifact
from attnbench_models import Recipe
from tests.converting import in_process

TINY = Recipe(block=None, model="tests.slices:coord", size=(32, 24))
WHOLE = Recipe(block="coord", width=0.35, size=(64, 64))
BACKENDS = {"onnx": "onnxruntime", "tflite": "litert", "executorch": "executorch"}


def make(folder: Path, recipe: Recipe = TINY) -> Mapping[str, Artifact]:
    """By backend."""
    with in_process():
        outcome = export(Request(recipe, tuple(BACKENDS), folder), Silent())
    assert not outcome.failures
    return {one.backend: one for one in outcome.artifacts}
