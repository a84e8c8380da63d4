from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest

from attnbench.backends import BACKENDS, Backend
from attnbench.records import Artifact
from attnbench_models import Recipe
from tests.converting import converted
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
        recipe = Recipe(model=f"tests.slices:{name}", size=SIZE)
        return converted(recipe, backend, tmp_path_factory.mktemp(f"{backend}-{name}"), skip=skip)

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
