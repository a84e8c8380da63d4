"""Exports inside the test's own process: as an export's worker makes them, without its start."""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import pytest

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before any converter could load ONNX Runtime

from attnbench.artifacts import save_manifest
from attnbench.backends import format_of
from attnbench.files import copy
from attnbench.pipeline import export
from attnbench.pipeline.reference import graph_identity, reference_record, weights_for
from attnbench.pipeline.task import Task
from attnbench.pipeline.worker import make
from attnbench.records import Artifact
from attnbench_models import Recipe

ONE = Lock()
"""Exports come side by side, and converters share what they change in a process."""


def converted(
    recipe: Recipe, backend: str, folder: Path, *, skip: tuple[str, ...] = ()
) -> Artifact:
    """A fresh artifact of the recipe in `folder`, loaded and run once. Raises ExportError."""
    identity = recipe.key if recipe.registered else graph_identity(recipe)
    weights = folder / f"{recipe.name}.safetensors"
    copy(weights_for(recipe, identity), weights)
    task = Task(
        recipe=recipe,
        identity=identity,
        backend=backend,
        weights=str(weights),
        reference=reference_record(weights, weights.name),
        tools={},
        skip=skip,
        blocks=(),
        file=str(folder / f"{recipe.name}{format_of(backend).suffix}"),
    )
    return _made(task)


@contextmanager
def in_process() -> Iterator[None]:
    """Meanwhile `export` converts here what is not in its cache; all else of it is as ever."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "_run_worker", _work)
        yield


def _work(task: Task, _folder: Path) -> None:
    save_manifest(_made(task))


def _made(task: Task) -> Artifact:
    with ONE, warnings.catch_warnings(action="ignore"):  # converters warn of their own insides
        made = make(task)
        gc.collect()  # coremltools leaves a temporary folder to the garbage collector
        return made
