"""What `cost` measures: a block's model, and the same backbone without attention."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from attnbench.cli import outcome
from attnbench.cli.compared import NATIVE
from attnbench.cli.subject import Subject, request
from attnbench.devices import Device
from attnbench.errors import BadOption
from attnbench.pipeline.cost import measure_cost
from attnbench.pipeline.effort import INTERLEAVED, Effort, effort_on
from attnbench.pipeline.export import Failure, export
from attnbench.pipeline.trial import ROUNDS, Experiment, Plan, Side
from attnbench.progress import Progress
from attnbench.records import Artifact
from attnbench.records.costs import AttentionCost

WITHOUT = "none"


@dataclass(frozen=True, slots=True)
class Measuring:
    """How much is measured; None is the usual."""

    rounds: int | None
    iterations: int | None
    threads: int | None
    cpus: tuple[int, ...]
    seed: int | None

    def effort(self, device: Device) -> Effort:
        """Of each launch. Raises BadOption."""
        return effort_on(
            device,
            None,
            self.iterations,
            threads=self.threads,
            cpus=self.cpus,
            usual=INTERLEAVED,
        )

    def plan(self) -> Plan:
        """Of the rounds."""
        seed = secrets.randbits(32) if self.seed is None else self.seed
        return Plan(seed, self.rounds or ROUNDS)


def costs(
    given: dict[str, Any],
    exporting: dict[str, Any],
    device: Device,
    measuring: Measuring,
    progress: Progress,
    *,
    peaks: bool,
) -> tuple[tuple[AttentionCost, ...], tuple[Failure, ...]]:
    """
    One cost for each backend that has both models, and the exports that failed.

    Raises BadOption for a block that is none, and whatever exporting and measuring raise.
    """
    block = given["block"]
    if block == WITHOUT:
        raise BadOption("--block none is what the others are held against: it costs nothing")
    effort, plan = measuring.effort(device), measuring.plan()
    bare = {**given, "block": WITHOUT, "options": (), "reduction": None}
    attended = {**given, "block": None if block == NATIVE else block}
    (a, failed_a), (b, failed_b) = (_made(one, exporting, progress) for one in (bare, attended))
    failures = (*failed_a, *failed_b)
    runnable = outcome.runnable(Subject(tuple(b[name] for name in b if name in a), failures))
    found = tuple(
        measure_cost(
            Experiment(Side(a[one.backend], effort), Side(one, effort), device, plan),
            progress,
            peaks=peaks,
        )
        for one in runnable
    )
    return found, failures


def _made(
    given: dict[str, Any], exporting: dict[str, Any], progress: Progress
) -> tuple[dict[str, Artifact], tuple[Failure, ...]]:
    """A model's artifacts by backend, and what could not be made."""
    unused = {"model": None, "checkpoint": None, "layout": None, "prune": None}
    made = export(request({**given, **unused}, exporting, timed=True), progress)
    return {one.backend: one for one in made.artifacts}, made.failures
