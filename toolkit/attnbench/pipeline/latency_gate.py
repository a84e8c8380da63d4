"""Latency against a baseline: by launches that take turns wherever the old file is still there."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from attnbench import files
from attnbench.backends import format_of
from attnbench.devices import Device
from attnbench.devices.wheels import wheel_for
from attnbench.errors import MissingTool
from attnbench.pipeline.bench import Measured
from attnbench.pipeline.compare import compare
from attnbench.pipeline.effort import INTERLEAVED, Effort, effort_on
from attnbench.pipeline.profile import profile
from attnbench.pipeline.trial import ROUNDS, Experiment, Pair, Plan, Side
from attnbench.progress import Progress
from attnbench.records import (
    INSTRUCTIONS,
    SCHEMA,
    Artifact,
    Comparison,
    Gated,
    How,
    Measurement,
    Outcome,
    Ratio,
)
from attnbench.runner import ENGINES, Wheel
from attnbench.runner.shipped import shipped
from attnbench.stats import paired
from attnbench.store import read_or, to_json

UPDATE = "`attnbench gate --update` takes a new baseline"
IDENTICAL = "the file, its runtime and its threads are the baseline's: there is nothing to measure"
STORED = (
    "the baseline's file is not in the cache here, so these are its stored launches, which did not "
    "take turns with the new ones: what differs may be the hour"
)


@dataclass(frozen=True, slots=True)
class LatencyBaseline:
    """Measurements by `model backend device`, each with the digests of its runtime."""

    measurements: Mapping[str, Measurement] = field(default_factory=dict)
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True)
class Terms:
    """By what share a model may become slower, and how much is measured to tell."""

    limit: float
    rounds: int = ROUNDS
    threads: int | None = None
    cpus: tuple[int, ...] = ()

    def effort(self, device: Device) -> Effort:
        """Of each launch; blocks are not looked at."""
        usual = effort_on(device, threads=self.threads, cpus=self.cpus, usual=INTERLEAVED)
        return replace(usual, paired_launches=0)

    def measure(self, artifact: Artifact, device: Device, progress: Progress) -> Measurement:
        """As many launches as one side has when both take turns."""
        effort = self.effort(device)
        if device.clock != INSTRUCTIONS:
            effort = replace(effort, launches=2 * self.rounds)
        return profile(artifact, device, effort, progress)


def read_latency(path: Path) -> LatencyBaseline:
    """The baseline in a file, an empty one if there is none. Raises BadInput if it is damaged."""
    return read_or(LatencyBaseline(), path)


def write_latency(path: Path, measurements: Mapping[str, Measurement]) -> None:
    """Write a baseline."""
    files.write(path, to_json(LatencyBaseline(measurements)))


def keep(artifact: Artifact) -> None:
    """Keep the file, so that a later one can take turns with it."""
    target = _kept(artifact.sha256) / Path(artifact.path).name
    if not target.is_file():
        files.copy(Path(artifact.path), target)


def _kept(sha256: str) -> Path:
    return files.cache_dir("baselines", sha256)


def _old(before: Measurement, now: Artifact) -> Artifact | None:
    """The baseline's artifact, if its file is still here, and still that file."""
    sha256 = before.artifact.sha256
    found = next(iter(sorted(_kept(sha256).glob("*"))), None)
    if found is None or files.digest(found) != sha256:
        return None
    return replace(now, path=str(found), sha256=sha256, blocks=(), scopes=())


@dataclass(frozen=True, slots=True)
class LatencyGate:
    """One artifact of a model, on a device, against what the baseline has of it."""

    model: str
    artifact: Artifact
    device: Device
    terms: Terms
    before: Measurement | None

    def judge(self, progress: Progress) -> Gated:
        """Pass, fail, or inconclusive with the reason; never by two single numbers."""
        if self.before is None:
            return self._undecided(f"it is not in the baseline: {UPDATE}")
        same = self.before.libraries == shipped(self._wheel())
        effort = self.terms.effort(self.device)
        alike = self.before.threads == effort.threads
        if same and alike and self.before.artifact.sha256 == self.artifact.sha256:
            return self._gated("pass", "the same file", None, (IDENTICAL,))
        recipes = self.before.artifact.recipe, self.artifact.recipe
        if len({(one.size, one.batch) for one in recipes}) > 1:
            return self._undecided(f"the baseline is of other input sizes: {UPDATE}")
        old = _old(self.before, self.artifact)
        if old is None:
            return self._against_stored(self.before, progress)
        other = self._runtime(self.before)
        if not same and other is None:
            return self._undecided(self._unlike_runtime(self.before))
        threads = replace(effort, threads=self.before.threads)
        a = Side(old, threads if same else replace(threads, runtime=other))
        plan = Plan(secrets.randbits(32), self.terms.rounds)
        found = Experiment(a, Side(self.artifact, effort), self.device, plan).run(progress)
        return self._held("took turns", compare(found, self.terms.limit), ())

    def _against_stored(self, before: Measurement, progress: Progress) -> Gated:
        """Where the environment is the same: its launches and new ones, matched in their order."""
        if before.libraries != shipped(self._wheel()):
            return self._undecided(self._unlike_runtime(before))
        now = self.terms.measure(self.artifact, self.device, progress)
        reasons = unlike(before, now)
        if reasons:
            return self._undecided(f"unlike environments ({'; '.join(reasons)}): {UPDATE}")
        notes = () if now.clock == INSTRUCTIONS else (STORED,)
        return self._held("stored launches", by_stored(before, now, self.terms.limit), notes)

    def _wheel(self) -> Wheel:
        engine = format_of(self.artifact.backend).engine
        assert engine is not None  # callers leave out what cannot run here
        return wheel_for(engine, self.device.identity().machine)

    def _runtime(self, before: Measurement) -> Wheel | None:
        """The baseline's runtime, if it can be had, and is that of its digests."""
        if not ENGINES[before.engine].soname:
            return None
        machine = self.device.identity().machine
        try:
            found = wheel_for(before.engine, machine, before.engine_version)
        except MissingTool:
            return None
        return found if set(shipped(found).values()) == set(before.libraries.values()) else None

    def _unlike_runtime(self, before: Measurement) -> str:
        here = self._wheel()
        there, this = (min(one.values())[:12] for one in (before.libraries, shipped(here)))
        return (
            f"the baseline's runtime is {before.engine} {before.engine_version} (sha256 {there}), "
            f"here it is {here.version} ({this}), and the other cannot be had: {UPDATE}"
        )

    def _undecided(self, why: str) -> Gated:
        return self._gated("inconclusive", "not measured", None, (why,))

    def _held(self, how: How, found: Comparison, notes: tuple[str, ...]) -> Gated:
        warnings = [text for one in found.measurements for text in one.validity.warnings]
        outcome = found.outcome or "inconclusive"
        told = (*notes, *dict.fromkeys(warnings), *found.notes)
        return self._gated(outcome, how, found.whole, told)

    def _gated(
        self, outcome: Outcome, how: How, time: Ratio | None, notes: tuple[str, ...]
    ) -> Gated:
        return Gated(
            self.model,
            self.artifact.backend,
            self.device.name,
            outcome,
            how,
            self.terms.limit,
            time,
            notes,
        )


def by_stored(before: Measurement, now: Measurement, limit: float) -> Comparison:
    """
    The test of `compare` on launches that are matched in their order; all else has to be alike.

    If nothing has changed, a launch then and one now may be exchanged, and the signed-rank test on
    the logarithms of their ratios is exact; what it cannot know is what else has changed since.
    Too few launches have no interval, and in instruction time there is none.
    """
    found = compare(Pair(Measured(before), Measured(now)), limit)
    pairs = zip(before.runs, now.runs, strict=False)
    scores = [math.log(median(new) / median(old)) for old, new in pairs]
    if now.clock == INSTRUCTIONS:
        return found
    if len(scores) < paired.FEWEST_BLOCKS:
        return replace(found, whole=replace(found.whole, ratio=None))
    test = paired.ratio(scores)
    time = replace(found.whole, ratio=test.value, low=test.low, high=test.high)
    return replace(found, whole=time, finding=test.finding)


def unlike(a: Measurement, b: Measurement) -> tuple[str, ...]:
    """What is not the same in both besides the model, each in a few words."""
    facts = {
        "device": (a.device, b.device),
        "clock": (a.clock, b.clock),
        "runtime": (a.libraries, b.libraries),
        "runner": (a.runner_sha256, b.runner_sha256),
        "threads": (a.threads, b.threads),
        "processors": (a.cpus, b.cpus),
        "clock policy": (a.conditions.wanted, b.conditions.wanted),
    }
    return tuple(name for name, (one, other) in facts.items() if one != other)
