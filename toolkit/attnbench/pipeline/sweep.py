"""A sweep: many models and setups on one device, a launch of each in every round, resumable."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from attnbench.attribution.ledger import PROFILERS
from attnbench.clock import now
from attnbench.devices import Device
from attnbench.errors import AttnbenchError, BadOption, DeviceError
from attnbench.pipeline.bench import Bench
from attnbench.pipeline.effort import Effort
from attnbench.pipeline.sweep_models import Model
from attnbench.pipeline.sweep_state import State
from attnbench.progress import Progress, stepping
from attnbench.records import INSTRUCTIONS, Artifact, Conditions
from attnbench.records.sweeps import Cell, Failed, RankCorrelation, Setup, Sweep, Turn
from attnbench.stats.ranks import rank_correlation
from attnbench.store import to_json

ROUNDS = 10


def check_clock(device: Device) -> None:
    """Raise BadOption for a device whose times launches in turn would not make better."""
    if device.clock == INSTRUCTIONS:
        raise BadOption(
            "a sweep is of real time: launches that count instructions need no turns",
            hint="`attnbench profile` each of the models there",
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """`rounds` of one launch a cell, each in an order of its own that is drawn with `seed`."""

    rounds: int = ROUNDS
    seed: int = 0

    def order(self, at: int, cells: Sequence[str]) -> list[str]:
        """The cells of a round; the same whenever it is asked for."""
        order = sorted(cells)
        random.Random(f"{self.seed} {at}").shuffle(order)
        return order


@dataclass(frozen=True, slots=True)
class Sweeping:
    """What to sweep: models, their setups, where, and how much of each launch."""

    models: tuple[Model, ...]
    setups: tuple[Setup, ...]
    device: Device
    effort: Effort
    plan: Plan

    @property
    def key(self) -> str:
        """What an interrupted sweep is found again by: all of it but the number of rounds."""
        facts = (sorted(self.cells), self.device.identity(), self.effort.iterations, self.plan.seed)
        return hashlib.sha256(to_json(facts)).hexdigest()[:12]

    @property
    def cells(self) -> dict[str, tuple[Model, Setup]]:
        """Each model in each setup, by a name that says everything."""
        return {
            hashlib.sha256(to_json((model.recipe.key, setup))).hexdigest()[:16]: (model, setup)
            for model in self.models
            for setup in self.setups
        }

    def run(self, state: State, progress: Progress) -> Sweep:
        """
        Launch what has not been launched yet, and make a table of all of it.

        A cell that fails is left out of later rounds and stops no other. Raises DeviceError when
        the device is lost: the same sweep goes on where it stopped.
        """
        session = now()
        failed: dict[str, Failed] = {
            name: model.failed(setup.backend)
            for name, (model, setup) in self.cells.items()
            if setup.backend not in model.artifacts
        }
        with self.device.watched() as watch:
            for at in range(self.plan.rounds):
                with stepping(progress, f"round {at + 1} of {self.plan.rounds}"):
                    self._round(at, state, session, failed)
        return self._table(state, failed, watch.conditions())

    def _round(self, at: int, state: State, session: str, failed: dict[str, Failed]) -> None:
        for name in self.plan.order(at, list(self.cells)):
            model, setup = self.cells[name]
            if name in failed or state.has(name, at, model.artifacts[setup.backend].sha256):
                continue
            artifact = model.artifacts[setup.backend]
            try:
                bench = self._bench(artifact, setup)
                bench.launch()
            except DeviceError:
                raise
            except AttnbenchError as error:
                failed[name] = Failed(str(error), error.hint, error.exit_code)
                continue
            state.add(Turn(name, artifact.sha256, at, session, bench.plain[0]))

    def _bench(self, artifact: Artifact, setup: Setup) -> Bench:
        effort = replace(self.effort, threads=setup.threads, cpus=setup.cpus, paired_launches=0)
        return Bench(artifact, self.device, effort, Path())  # no graph is saved without a trace

    def _table(self, state: State, failed: Mapping[str, Failed], seen: Conditions) -> Sweep:
        cells = [self._cell(name, state, failed.get(name), seen) for name in self.cells]
        return Sweep(
            device=self.device.identity(),
            clock=self.device.clock,
            rounds=self.plan.rounds,
            seed=self.plan.seed,
            sessions=tuple(dict.fromkeys(turn.session for turn in state.turns)),
            cells=tuple(cells),
            correlations=tuple(_correlations(cells)),
            state=str(state.path),
            notes=tuple(_notes(cells)),
        )

    def _cell(self, name: str, state: State, failed: Failed | None, seen: Conditions) -> Cell:
        model, setup = self.cells[name]
        made = Cell(model.recipe, setup, model.parameters, model.macs, None, failed)
        if failed is not None:
            return made
        artifact = model.artifacts[setup.backend]
        bench = self._bench(artifact, setup)
        bench.plain.extend(state.launches(name, artifact.sha256))
        engine = bench.plain[0].engine
        return replace(made, measurement=bench.measured(PROFILERS[engine], seen).measurement)


def _correlations(cells: Sequence[Cell]) -> list[RankCorrelation]:
    """One for each setup in which there are enough models."""
    found = []
    for setup in dict.fromkeys(cell.setup for cell in cells):
        pairs = [
            (cell.macs, cell.measurement.latency_ns.median)
            for cell in cells
            if cell.setup == setup and cell.measurement and cell.macs
        ]
        told = rank_correlation([a for a, _ in pairs], [b for _, b in pairs])
        if told is not None:
            found.append(RankCorrelation(setup, len(pairs), *told))
    return found


def _notes(cells: Sequence[Cell]) -> list[str]:
    """What is not the same in all launches."""
    versions: dict[str, set[str]] = {}
    for cell in cells:
        if cell.measurement is not None:
            versions.setdefault(cell.setup.backend, set()).add(str(cell.measurement.libraries))
    return [
        f"{backend}: not all cells ran with the same libraries of the runtime"
        for backend, found in versions.items()
        if len(found) > 1
    ]
