"""What was measured of one model over time, told apart by what it was measured in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attnbench.records.measured import DeviceId, Interval, Wanted
from attnbench_models import Recipe


@dataclass(frozen=True, slots=True)
class Environment:
    """
    All but the model that a latency depends on, as far as it is known.

    `governor` is what was found, `wanted` what the device's profile asks for; both are None on the
    host, which tells nothing of its clocks.
    """

    device: DeviceId
    engine: str
    engine_version: str
    libraries: Mapping[str, str]
    clock: str
    threads: int
    cpus: tuple[int, ...]
    wanted: Wanted | None
    governor: str | None
    runner_sha256: str | None


@dataclass(frozen=True, slots=True)
class Point:
    """
    One stored measurement: when, in which run's file, of which artifact.

    `change` is the median against that of the point before, a share; `apart` is whether the two
    intervals do not overlap. Both are None for the first.
    """

    taken_at: str
    run: str
    sha256: str
    latency_ns: Interval
    ok: bool
    change: float | None = None
    apart: bool | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """The points of one environment, oldest first; only these are held against each other."""

    environment: Environment
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class History:
    """
    One recipe in one runtime on one device.

    Every environment has a stretch of its own; `differences` say, for each after the first, what
    is not as in the one before.
    """

    recipe: Recipe
    recipe_key: str
    backend: str
    device: str
    stretches: tuple[Stretch, ...]
    differences: tuple[tuple[str, ...], ...]
