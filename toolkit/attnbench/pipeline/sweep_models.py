"""The models of a sweep: which there are, and their artifacts, exported side by side."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from attnbench.errors import AttnbenchError
from attnbench.pipeline.export import Request, export
from attnbench.pipeline.reference import example_for, reference_of
from attnbench.progress import Progress
from attnbench.records import Artifact
from attnbench.records.sweeps import Failed
from attnbench_models import Recipe, count
from attnbench_models.blocks import BLOCKS

REDUCTION = "reduction"
UNEXPORTED = Failed("it was not exported", "", 4)


@dataclass(frozen=True, slots=True)
class Model:
    """A recipe with its artifacts by backend, or why there are none, and its size on paper."""

    recipe: Recipe
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    failures: Mapping[str, Failed] = field(default_factory=dict)
    parameters: int | None = None
    macs: int | None = None

    def failed(self, backend: str) -> Failed:
        """Why there is no artifact for a backend."""
        return self.failures.get(backend, UNEXPORTED)


def variants(
    base: Recipe, blocks: Sequence[str], reductions: Sequence[int], widths: Sequence[float]
) -> tuple[Recipe, ...]:
    """
    Every block with every reduction at every width, and per width the model without attention.

    A block that has no reduction is there once.
    """
    found = [
        replace(base, block=block, width=width, options=options)
        for width in widths or (base.width,)
        for block in dict.fromkeys(("none", *blocks))
        for options in _options(base, block, reductions)
    ]
    return tuple({one.key: one for one in found}.values())


def _options(
    base: Recipe, block: str, reductions: Sequence[int]
) -> Iterator[Mapping[str, bool | int | float | str]]:
    given = {} if block == "none" else dict(base.options)
    if not reductions or not _takes_reduction(block):
        yield given
        return
    yield from (given | {REDUCTION: one} for one in reductions)


def _takes_reduction(block: str) -> bool:
    """Whether it has the keyword; of a user's own file nobody knows before it is built."""
    if block not in BLOCKS:
        return True
    return REDUCTION in inspect.signature(BLOCKS[block].of_class()).parameters


def made(request: Request, recipes: Sequence[Recipe], progress: Progress) -> tuple[Model, ...]:
    """
    Export every recipe as `request` has it: backends side by side, and recipes as processors allow.

    What cannot be exported is a model without that artifact, which says why.
    """
    at_once = max(1, (os.cpu_count() or 1) // len(request.backends))
    with ThreadPoolExecutor(at_once) as pool:
        jobs = [
            pool.submit(_model, replace(request, recipe=one), _Numbered(progress, at, len(recipes)))
            for at, one in enumerate(recipes, 1)
        ]
    # One after the other: what builds a module draws from torch's one generator.
    return tuple(_sized(job.result()) for job in jobs)


def _model(request: Request, progress: Progress) -> Model:
    try:
        outcome = export(request, progress)
    except AttnbenchError as error:
        return Model(request.recipe, failures=dict.fromkeys(request.backends, _failed(error)))
    return Model(
        request.recipe,
        {one.backend: one for one in outcome.artifacts},
        {one.backend: _failed(one.error) for one in outcome.failures},
    )


def _sized(model: Model) -> Model:
    if not model.artifacts:
        return model
    module = reference_of(next(iter(model.artifacts.values())))
    *_, total = count(module, *example_for(model.recipe, module))
    return replace(model, parameters=total.parameters, macs=total.macs)


def _failed(error: AttnbenchError) -> Failed:
    return Failed(str(error), error.hint, error.exit_code)


@dataclass(frozen=True, slots=True)
class _Numbered:
    """Progress of one of several exports: the steps of each have names of their own."""

    progress: Progress
    at: int
    of: int

    def begin(self, step: str) -> None:
        self.progress.begin(f"{step} ({self.at} of {self.of})")

    def end(self, step: str, outcome: str) -> None:
        self.progress.end(f"{step} ({self.at} of {self.of})", outcome)
