"""A published table, rebuilt: what was printed beside what is found here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from attnbench.records.measured import DeviceId, Interval
from attnbench.records.sweeps import Sweep
from attnbench_models import Recipe


class Agreement(Enum):
    """
    How a number found here stands to the published one.

    NOT_PUBLISHED is one that no source that could be read has, ELSEWHERE a latency of another
    device or runtime.
    """

    EQUAL = "equal"
    ROUNDED = "within rounding"
    DIFFERS = "differs"
    NOT_PUBLISHED = "not published"
    ELSEWHERE = "other device"


@dataclass(frozen=True, slots=True)
class Claim:
    """
    One number of a row: as it was printed (None: not found), where, and what it is here.

    `here` is a count, or milliseconds; None if there is none.
    """

    quantity: str
    published: str | None
    source: str
    here: float | None
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class LatencyHere:
    """What a row's model takes here in one runtime."""

    backend: str
    latency_ns: Interval
    claim: Claim


@dataclass(frozen=True, slots=True)
class PaperRow:
    """
    A row: the model that stands for it here, its counts and latencies.

    `quality` is what was published of its accuracy, which nothing here trains or judges.
    """

    name: str
    recipe: Recipe
    parameters: Claim
    macs: Claim
    latencies: tuple[LatencyHere, ...]
    quality: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class PaperTable:
    """
    A published table, rebuilt; `sweep` has the measurements of its latencies, launched in turn.

    `device` and `sweep` are None if no latency was asked for.
    """

    name: str
    title: str
    source: str
    rows: tuple[PaperRow, ...]
    device: DeviceId | None = None
    sweep: Sweep | None = None
