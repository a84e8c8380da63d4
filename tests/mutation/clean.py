"""Exports without a fault, which are to pass: slices of every block, width and size, by seed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from attnbench_models import Recipe
from tests.converting import converted
from tests.mutation.results import key
from tests.mutation.subjects import SUBJECTS
from tests.mutation.trial import Bench, Result
from tests.slices import BLOCKS, Slice, with_block

WIDTH = 2
SIZES = ((64, 64), (48, 64), (32, 24), (40, 56))

wide_none = partial(Slice, width=WIDTH)
wide_se, wide_cbam, wide_coord, wide_nam = (
    partial(with_block, name, width=WIDTH) for name in BLOCKS[1:]
)

MODELS = (
    *(f"tests.slices:{name}" for name in BLOCKS),
    *(f"{__name__}:wide_{name}" for name in BLOCKS),
    *(SUBJECTS[name] for name in ("mobilenetv2-minus", "seaformer")),
)


def recipes(count: int) -> Iterator[Recipe]:
    """Every model by turns, then the next size, each with weights of its own."""
    for at in range(count):
        size = SIZES[at // len(MODELS) % len(SIZES)]
        yield Recipe(model=MODELS[at % len(MODELS)], size=size, seed=at + 1)


def subject(recipe: Recipe) -> str:
    """What the results call its model: `wide_coord`."""
    return (recipe.model or "").rpartition(":")[2]


def variant(recipe: Recipe) -> str:
    """What the results call the rest: `40x56 seed 37`."""
    return f"{recipe.size[0]}x{recipe.size[1]} seed {recipe.seed}"


def exported(runtime: str, recipe: Recipe, folder: Path) -> Result:
    """What became of one export; `moved` is its largest error, as a share of the limit."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        verdict = Bench(converted(recipe, runtime, Path(place))).judged()
    shares = [one.value / one.limit for one in verdict.cases if one.metric == "max_error"]
    return Result(
        key(), runtime, subject(recipe), "", "clean", variant(recipe), max(shares), not verdict
    )
