"""Stored runs -> what became of each model over time, never across unlike environments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from attnbench.errors import BadInput
from attnbench.records import Measurement
from attnbench.records.histories import Environment, History, Point, Stretch
from attnbench.store import Run, Store

Taken = tuple[Path, Measurement]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which measurements are asked for; None is any."""

    device: str | None = None
    backends: tuple[str, ...] | None = None
    backbone: str | None = None
    block: str | None = None

    def __call__(self, m: Measurement) -> bool:
        """Whether it is."""
        recipe = m.artifact.recipe
        return all(
            (
                self.device in (None, m.device.name),
                self.backends is None or m.artifact.backend in self.backends,
                self.backbone in (None, recipe.backbone),
                self.block in (None, recipe.block),
            )
        )


def taken(store: Store) -> tuple[list[Taken], list[str]]:
    """
    Every measurement of a store's runs, each once, oldest first; and what could not be read.

    A sweep that was gone on with has stored its launches more than once; the last one has most.
    """
    found: dict[object, Taken] = {}
    unread = []
    for path in store.paths():
        try:
            run = store.load(path)
        except BadInput as error:
            unread.append(str(error))
            continue
        for m in measurements(run):
            found[m.artifact.sha256, m.threads, m.cpus, m.runs[0]] = path, m
    return sorted(found.values(), key=lambda one: one[1].taken_at), unread


def measurements(run: Run) -> Iterator[Measurement]:
    """All that a run holds, wherever they are in it."""
    yield from run.measurements
    for comparison in (*run.comparisons, *(one.comparison for one in run.costs)):
        yield from comparison.measurements
    for sweep in (*run.sweeps, *(one.sweep for one in run.tables if one.sweep)):
        yield from (cell.measurement for cell in sweep.cells if cell.measurement)


def histories(found: Iterable[Taken], wanted: Callable[[Measurement], bool]) -> tuple[History, ...]:
    """One for each recipe, backend and device, in the order in which they were first measured."""
    grouped: dict[tuple[str, str, str], list[Taken]] = {}
    for path, m in found:
        if wanted(m):
            # Not the stored key: a recipe that has got a new field since is still the same.
            key = (m.artifact.recipe.key, m.artifact.backend, m.device.name)
            grouped.setdefault(key, []).append((path, m))
    return tuple(_history(several) for several in grouped.values())


def _history(several: Sequence[Taken]) -> History:
    points: list[tuple[Environment, list[Point]]] = []
    for path, m in several:
        here = environment(m)
        known = next((ones for env, ones in points if env == here), None)
        if known is None:
            known = []
            points.append((here, known))
        known.append(_after(known, _point(path, m)))
    artifact, device = several[0][1].artifact, several[0][1].device.name
    stretches = tuple(Stretch(env, tuple(ones)) for env, ones in points)
    return History(
        artifact.recipe,
        artifact.recipe.key,
        artifact.backend,
        device,
        stretches,
        tuple(differences(a.environment, b.environment) for a, b in pairwise(stretches)),
    )


def _point(path: Path, m: Measurement) -> Point:
    return Point(m.taken_at, str(path), m.artifact.sha256, m.latency_ns, m.validity.ok)


def _after(before: Sequence[Point], point: Point) -> Point:
    if not before:
        return point
    was, now = before[-1].latency_ns, point.latency_ns
    apart = now.low > was.high or now.high < was.low
    return replace(point, change=now.median / was.median - 1, apart=apart)


def environment(m: Measurement) -> Environment:
    """What a measurement was made in."""
    before = m.conditions.before
    return Environment(
        device=m.device,
        engine=m.engine,
        engine_version=m.engine_version,
        libraries=m.libraries,
        clock=m.clock,
        threads=m.threads,
        cpus=m.cpus,
        wanted=m.conditions.wanted,
        governor=before.governor if before else None,
        runner_sha256=m.runner_sha256,
    )


def differences(a: Environment, b: Environment) -> tuple[str, ...]:
    """What is not the same, one line each: `engine_version 1.31.1 → 1.32.0`."""
    names = ("engine", "engine_version", "clock", "threads", "cpus", "governor", "runner_sha256")
    facts: Mapping[str, tuple[object, object]] = {
        "device": (f"{a.device.machine}, {a.device.cpu}", f"{b.device.machine}, {b.device.cpu}"),
        **{name: (getattr(a, name), getattr(b, name)) for name in names},
    }
    found = [
        f"{name} {_text(old)} → {_text(new)}" for name, (old, new) in facts.items() if old != new
    ]
    if a.device.emulated != b.device.emulated:
        found.append("emulated, and not")
    if a.libraries != b.libraries:
        changed = a.libraries.keys() ^ b.libraries.keys()
        changed |= {one for one, sha in a.libraries.items() if b.libraries.get(one, sha) != sha}
        found.append(f"libraries: {', '.join(sorted(changed))}")
    if a.wanted != b.wanted:
        found.append("what the profile asks for: governor, clocks, temperature or screen")
    return tuple(found)


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "any"
    return "unknown" if value is None else str(value)
