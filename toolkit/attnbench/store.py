"""Records on disk: one JSON each, named by the hash of its content, with a schema version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol, TypeVar

import msgspec

from attnbench.errors import BadInput
from attnbench.files import write
from attnbench.records import SCHEMA, Comparison, Gated, Measurement, Verdict
from attnbench.records.costs import AttentionCost
from attnbench.records.histories import History
from attnbench.records.losses import PrecisionLoss
from attnbench.records.papers import PaperTable
from attnbench.records.sweeps import Sweep

T = TypeVar("T")

_ONE_AT_A_TIME = Lock()
"""What msgspec learns of a type it notes before that is complete; another thread crashes on it."""


class Versioned(Protocol):
    """A record that says of which schema it is."""

    @property
    def schema(self) -> int:
        """The schema that it was written with."""


B = TypeVar("B", bound=Versioned)


@dataclass(frozen=True, slots=True)
class Run:
    """
    What one command found out: what belongs together of measurements and what comes of them.

    `histories` are of other runs: they are shown, and never stored.
    """

    taken_at: str
    measurements: tuple[Measurement, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    costs: tuple[AttentionCost, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    tables: tuple[PaperTable, ...] = ()
    histories: tuple[History, ...] = ()
    gated: tuple[Gated, ...] = ()
    losses: tuple[PrecisionLoss, ...] = ()
    schema: int = SCHEMA


def to_json(record: object) -> bytes:
    """A record as indented JSON; NaN and infinities become null."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1)


def from_json(text: bytes, kind: type[T], source: str) -> T:
    """The record in `text`; BadInput names `source` and the field that is wrong."""
    try:
        with _ONE_AT_A_TIME:
            return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        hint = "was it written by another version of attnbench, or edited?"
        raise BadInput(f"{source}: {error}", hint=hint) from error


def read_or(empty: B, path: Path) -> B:
    """The baseline in a file, an empty one if there is none. Raises BadInput if it is damaged."""
    if not path.is_file():
        return empty
    found = from_json(path.read_bytes(), type(empty), str(path))
    if found.schema != SCHEMA:
        raise BadInput(f"{path} has schema {found.schema}, not {SCHEMA}", hint="--update it")
    return found


@dataclass(frozen=True, slots=True)
class Store:
    """The runs in a folder, oldest first by their own time."""

    folder: Path

    def add(self, run: Run) -> Path:
        """Write a run under a name made of its time and content hash; return its path."""
        text = to_json(run)
        stamp = "".join(c for c in run.taken_at if c.isdigit())[:14]
        path = self.folder / f"{stamp}-{hashlib.sha256(text).hexdigest()[:12]}.json"
        write(path, text)
        return path

    def load(self, path: Path) -> Run:
        """Read one run. Raises BadInput if it is missing, damaged or of another schema."""
        try:
            run = from_json(path.read_bytes(), Run, str(path))
        except OSError as error:
            raise BadInput(
                f"{path}: {error.strerror}", hint="see `attnbench report --help`"
            ) from error
        if run.schema != SCHEMA:
            raise BadInput(f"{path}: schema {run.schema}, this attnbench reads {SCHEMA}")
        return run

    def latest(self) -> Path:
        """The newest run of the folder. Raises BadInput when there is none."""
        paths = self.paths()
        if not paths:
            hint = "`attnbench run --block coord` makes one"
            raise BadInput(f"no run in {self.folder}", hint=hint)
        return paths[-1]

    def paths(self) -> list[Path]:
        """Where its runs are, oldest first."""
        return sorted(self.folder.glob("[0-9]*.json"))
