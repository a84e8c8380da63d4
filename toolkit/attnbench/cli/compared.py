"""What `compare` is given: blocks to export, artifacts, or runs that are stored already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attnbench import artifacts
from attnbench.cli import outcome
from attnbench.cli.device_options import Chosen
from attnbench.cli.options import recipe_given
from attnbench.cli.subject import Subject, request
from attnbench.errors import BadOption
from attnbench.pipeline.compare import Experiment, check_clock, compare, stored_pairs
from attnbench.pipeline.effort import effort_on
from attnbench.pipeline.export import export
from attnbench.progress import Progress
from attnbench.records import Artifact, Comparison
from attnbench.store import Store

NATIVE = "native"
"""The backbone's own block, as in its recipe's name."""

RUN = ".json"


def compared(
    a: str, b: str, chosen: Chosen, given: dict[str, Any], progress: Progress, *, limit: float
) -> tuple[Comparison, ...]:
    """
    One comparison for each backend that both have.

    Raises BadOption for words that do not go together, and whatever exporting and measuring raise.
    """
    exporting = {name: given.pop(name) for name in ("out", "blocks", "skip", "backends")}
    paths = [Path(word) for word in (a, b)]
    if all(path.suffix == RUN for path in paths):
        runs = [Store(path.parent).load(path) for path in paths]
        return tuple(compare(pairs, limit) for pairs in stored_pairs(*runs))
    on = chosen.resolve()
    effort = effort_on(on)
    check_clock(on.clock)
    if any(path.exists() for path in paths):
        if recipe_given(given) or exporting["backends"]:
            raise BadOption("artifacts are what they are: options of a model go with two blocks")
        ours, theirs = (_runnable((artifacts.load(path),)) for path in paths)
    else:
        ours, theirs = (_exported(word, given, exporting, progress) for word in (a, b))
    experiments = [Experiment(*couple, on, effort) for couple in zip(ours, theirs, strict=True)]
    return tuple(compare(one.pairs(progress), limit) for one in experiments)


def _runnable(made: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
    return outcome.runnable(Subject(made))


def _exported(
    word: str, given: dict[str, Any], exporting: dict[str, Any], progress: Progress
) -> tuple[Artifact, ...]:
    """A block's artifacts; one that cannot be made ends the comparison."""
    unused = {"model": None, "checkpoint": None, "layout": None, "precision": None}
    recipe = {**given, **unused, "block": None if word == NATIVE else word}
    made = export(request(recipe, exporting), progress)
    if made.failures:
        raise made.failures[0].error
    return _runnable(made.artifacts)
