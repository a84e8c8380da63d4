"""
A and B on one device, taking turns: an experiment whose launches come in rounds of four.

In instruction time one pair of measurements says all: the same code counts the same each time.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from attnbench.devices import Device
from attnbench.devices.base import Watch
from attnbench.pipeline.bench import Bench, Measured
from attnbench.pipeline.effort import Effort
from attnbench.pipeline.profile import profile
from attnbench.progress import Progress, stepping
from attnbench.records import INSTRUCTIONS, Artifact, Conditions
from attnbench.stats.paired import FEWEST_BLOCKS, schedule
from attnbench.stats.stopping import PILOT, next_look

ROUNDS = 8
"""32 launches, or 64 with blocks; two rounds more than the fewest that can decide."""

MOST_ROUNDS = 100_000

BUDGET_S = 600.0


@dataclass(frozen=True, slots=True)
class Side:
    """An artifact, and how it is measured in each of its turns."""

    artifact: Artifact
    effort: Effort


@dataclass(frozen=True, slots=True)
class Plan:
    """
    How many rounds, in orders that are drawn with `seed`.

    With `detect` as many as find that effect (a share) four times in five, and `rounds` is where
    that is first looked at. No round begins that would end beyond `budget_s`.
    """

    seed: int
    rounds: int = ROUNDS
    detect: float | None = None
    budget_s: float | None = None

    @classmethod
    def until(cls, detect: float, budget_s: float, seed: int) -> Plan:
        """Until an effect could be seen."""
        return cls(seed, PILOT, detect, budget_s)

    @classmethod
    def filling(cls, budget_s: float, seed: int) -> Plan:
        """As many as there is time for."""
        return cls(seed, MOST_ROUNDS, None, budget_s)


@dataclass(frozen=True, slots=True)
class Interleaved:
    """The orders that launches came in, the seed that they were drawn with, and how it went."""

    plan: Plan
    orders: tuple[str, ...]
    seconds: float

    def in_rounds(self, a: Sequence[float], b: Sequence[float]) -> list[list[float]]:
        """A's values and B's, one a launch each, four a round in the order of the launches."""
        turns = {"A": iter(a), "B": iter(b)}
        return [[next(turns[letter]) for letter in order] for order in self.orders]


@dataclass(frozen=True, slots=True)
class Pair:
    """What was measured of A and of B; `interleaved` is None if they did not take turns."""

    a: Measured
    b: Measured
    interleaved: Interleaved | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """Two sides, where they are measured, and how much of each."""

    a: Side
    b: Side
    device: Device
    plan: Plan

    def run(self, progress: Progress) -> Pair:
        """Measure."""
        if self.device.clock == INSTRUCTIONS:
            a, b = (
                profile(side.artifact, self.device, side.effort, progress)
                for side in (self.a, self.b)
            )
            return Pair(Measured(a), Measured(b))
        return self._interleaved(progress)

    def _interleaved(self, progress: Progress) -> Pair:
        with tempfile.TemporaryDirectory(prefix="attnbench-") as name:
            folders = {letter: Path(name, letter) for letter in "AB"}
            benches = {
                letter: Bench(side.artifact, self.device, side.effort, folders[letter])
                for letter, side in (("A", self.a), ("B", self.b))
            }
            for folder in folders.values():
                folder.mkdir()
            with self.device.watched() as watch:
                turns = Turns(benches, watch)
                profilers = {}
                for letter, bench in benches.items():
                    with turns.noting(letter):
                        profilers[letter] = bench.calibrated()
                began = time.monotonic()
                self._rounds(turns, progress)
                seconds = (time.monotonic() - began) / len(turns.orders)
            seen = watch.conditions()
            a, b = (
                bench.measured(profilers[letter], turns.seen(letter, seen))
                for letter, bench in benches.items()
            )
        return Pair(a, b, Interleaved(self.plan, tuple(turns.orders), seconds))

    def _rounds(self, turns: Turns, progress: Progress) -> None:
        """As many as are planned; or until an effect could be seen, or the budget is spent."""
        plan, began, wanted = self.plan, time.monotonic(), self.plan.rounds
        while (done := len(turns.orders)) < wanted:
            until = f"to {wanted}" if wanted < MOST_ROUNDS else "on"
            with stepping(progress, f"{self.a.artifact.backend}, rounds from {done + 1} {until}"):
                for order in schedule(wanted, plan.seed)[done:]:
                    if plan.budget_s is not None and turns.late(began, plan.budget_s):
                        return
                    turns.take(order)
            if plan.detect is not None:
                wanted = next_look(plan.detect, turns.times_ns)


@dataclass(slots=True)
class Turns:
    """The launches so far, and which of them a device's readings belong to."""

    benches: dict[str, Bench]
    watch: Watch
    orders: list[str] = field(default_factory=list)
    times_ns: list[list[float]] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)

    def take(self, order: str) -> None:
        """One round: a launch for each letter, and a traced one if blocks are wanted."""
        times_ns = []
        for letter in order:
            bench = self.benches[letter]
            with self.noting(letter):
                bench.launch()
                if bench.effort.paired_launches:
                    bench.launch_paired()
            times_ns.append(median(bench.plain[-1].plain_ns))
        self.orders.append(order)
        self.times_ns.append(times_ns)

    def late(self, began_s: float, budget_s: float) -> bool:
        """Whether one more round would end beyond the budget; the fewest that decide are free."""
        done, spent_s = len(self.orders), time.monotonic() - began_s
        return done >= FEWEST_BLOCKS and spent_s * (done + 1) / done > budget_s

    @contextmanager
    def noting(self, letter: str) -> Iterator[None]:
        """Readings that come meanwhile are of this side."""
        yield
        fresh = len(self.watch.conditions().during) - len(self.owners)
        self.owners += [letter] * fresh

    def seen(self, letter: str, conditions: Conditions) -> Conditions:
        """The conditions with the readings during this side's launches only."""
        pairs = zip(conditions.during, self.owners, strict=True)
        return replace(conditions, during=tuple(one for one, owner in pairs if owner == letter))
