from __future__ import annotations

from collections.abc import Callable

import pytest

from attnbench.records import Artifact
from attnbench_models import Recipe
from tests.converting import converted
from tests.slices import SIZE

Convert = Callable[..., Artifact]


@pytest.fixture(scope="session")
def convert(tmp_path_factory) -> Convert:
    """
    (backend, slice, precision, **of the recipe) -> its artifact, each made once a session.

    Slow converters get a slice of one block.
    """
    made: dict[tuple[object, ...], Artifact] = {}

    def convert(backend: str, name: str, precision: str, **more: object) -> Artifact:
        key = (backend, name, precision, *sorted(more.items()))
        if key not in made:
            slices = "tests.slices" if backend in ("onnx", "coreml") else "tests.precision.small"
            recipe = Recipe(model=f"{slices}:{name}", size=SIZE, precision=precision, **more)
            made[key] = converted(recipe, backend, tmp_path_factory.mktemp("precision"))
        return made[key]

    return convert
