"""What `compare` is given: blocks to export, artifacts, or runs that are stored already."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from attnbench import artifacts
from attnbench.cli import outcome
from attnbench.cli.device_options import Chosen
from attnbench.cli.options import cpus_from, exporting_from, recipe_given
from attnbench.cli.subject import Subject, request
from attnbench.cli.trial_options import plan_from
from attnbench.devices import Device
from attnbench.errors import BadOption
from attnbench.pipeline.compare import compare, stored_pairs
from attnbench.pipeline.effort import INTERLEAVED, Effort, effort_on
from attnbench.pipeline.export import export
from attnbench.pipeline.noise import known_noise
from attnbench.pipeline.runtimes import Runtime, check_used
from attnbench.pipeline.trial import Experiment, Side
from attnbench.progress import Progress
from attnbench.records import INSTRUCTIONS, Artifact, Comparison
from attnbench.store import Store

NATIVE = "native"
"""The backbone's own block, as in its recipe's name."""

RUN = ".json"
MEASURING = ("threads", "cpus", "runtime")


@dataclass(frozen=True, slots=True)
class Words:
    """What A and B are called, and what B has otherwise."""

    a: str
    b: str
    differences: dict[str, Any] = field(default_factory=dict)

    @property
    def paths(self) -> tuple[Path, Path]:
        """As files, which they need not be."""
        return Path(self.a), Path(self.b)

    @property
    def are_stored(self) -> bool:
        """Whether both are runs."""
        return all(path.suffix == RUN for path in self.paths)


def compared(
    words: Words,
    chosen: Chosen,
    given: dict[str, Any],
    progress: Progress,
    *,
    limit: float | None,
) -> tuple[Comparison, ...]:
    """
    One comparison for each backend that both have.

    Raises BadOption for words that do not go together, and whatever exporting and measuring raise.
    """
    exporting = exporting_from(given, chosen.resolve())
    plan = plan_from(given)
    measuring = {name: given.pop(name) for name in (*MEASURING, "iterations", "whole")}
    if words.are_stored:
        runs = [Store(path.parent).load(path) for path in words.paths]
        return tuple(compare(pair, limit) for pair in stored_pairs(*runs))
    on = chosen.resolve()
    if on.clock == INSTRUCTIONS and plan.detect is not None:
        raise BadOption("--detect: in instruction time one pair says all")
    ours = measuring | {
        key: words.differences[key] for key in MEASURING if key in words.differences
    }
    efforts = [_effort(on, **one) for one in (measuring, ours)]
    experiments = [
        Experiment(Side(a, efforts[0]), Side(b, efforts[1]), on, plan)
        for a, b in zip(*_artifacts(words, given, exporting, progress), strict=True)
    ]
    sides = [side for one in experiments for side in (one.a, one.b)]
    check_used([one.effort.runtime for one in sides], [one.artifact for one in sides])
    noise = known_noise(on.identity())
    return tuple(compare(one.run(progress), limit, noise) for one in experiments)


def _effort(
    on: Device,
    *,
    threads: int | None,
    cpus: str | None,
    runtime: str | None,
    iterations: int | None,
    whole: bool,
) -> Effort:
    """Of each turn; without traced launches if only the whole is wanted."""
    effort = effort_on(
        on, None, iterations, threads=threads, cpus=cpus_from(cpus), usual=INTERLEAVED
    )
    if runtime is not None:
        effort = replace(effort, runtime=Runtime.parse(runtime).on(on))
    return replace(effort, paired_launches=0) if whole else effort


def _artifacts(
    words: Words, given: dict[str, Any], exporting: dict[str, Any], progress: Progress
) -> tuple[tuple[Artifact, ...], tuple[Artifact, ...]]:
    """A's and B's, one a backend: files as they are, blocks exported."""
    other = {key: value for key, value in words.differences.items() if key not in MEASURING}
    if not any(path.exists() for path in words.paths):
        a = _exported(words.a, given, exporting, progress)
        return a, _exported(words.b, given | other, exporting, progress)
    if recipe_given(given) or other or exporting["backends"]:
        raise BadOption("artifacts are what they are: options of a model go with two blocks")
    a, b = (_runnable((artifacts.load(path),)) for path in words.paths)
    return a, b


def _runnable(made: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
    return outcome.runnable(Subject(made))


def _exported(
    word: str, given: dict[str, Any], exporting: dict[str, Any], progress: Progress
) -> tuple[Artifact, ...]:
    """A block's artifacts; one that cannot be made ends the comparison."""
    unused = {"model": None, "checkpoint": None, "layout": None, "prune": None}
    recipe = {**given, **unused, "block": None if word == NATIVE else word}
    made = export(request(recipe, exporting, timed=True), progress)
    if made.failures:
        raise made.failures[0].error
    return _runnable(made.artifacts)
