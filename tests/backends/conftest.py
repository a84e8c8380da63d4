from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Callable

import pytest

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before any converter could load ONNX Runtime

from attnbench.backends import BACKENDS, Backend, format_of
from attnbench.files import copy
from attnbench.pipeline.reference import graph_identity, reference_record, weights_for
from attnbench.pipeline.task import Task
from attnbench.pipeline.worker import make
from attnbench.records import Artifact
from attnbench_models import Recipe
from tests.slices import SIZE

Convert = Callable[..., Artifact]


@pytest.fixture(scope="class")
def converter(request) -> Backend:
    """The backend that a contract's class names, imported before anything else of the class."""
    with warnings.catch_warnings(action="ignore"):  # its warnings are its own
        return BACKENDS.get(request.cls.name)


@pytest.fixture(scope="session")
def convert_anew(tmp_path_factory) -> Convert:
    """(backend, slice, skip=rewrites) -> a fresh artifact, made as an export's worker makes it."""

    def convert(backend: str, name: str, skip: tuple[str, ...] = ()) -> Artifact:
        folder = tmp_path_factory.mktemp(f"{backend}-{name}")
        recipe = Recipe(model=f"tests.slices:{name}", size=SIZE)
        identity = graph_identity(recipe)
        weights = folder / f"{name}.safetensors"
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
            file=str(folder / f"{name}{format_of(backend).suffix}"),
        )
        with warnings.catch_warnings(action="ignore"):  # converters warn of their own insides
            made = make(task)
            gc.collect()  # coremltools leaves a temporary folder to the garbage collector
            return made

    return convert


@pytest.fixture(scope="session")
def convert(convert_anew) -> Convert:
    """As `convert_anew`, but each artifact once a session."""
    made: dict[tuple[object, ...], Artifact] = {}

    def convert(backend: str, name: str, skip: tuple[str, ...] = ()) -> Artifact:
        key = (backend, name, skip)
        if key not in made:
            made[key] = convert_anew(backend, name, skip)
        return made[key]

    return convert
