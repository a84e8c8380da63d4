"""What became of each cell, kept in build/matrix so that an interrupted run goes on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from attnbench.backends import format_of
from attnbench.files import write
from attnbench.pipeline.identity import source_digest, tool_versions
from attnbench.store import from_json, to_json
from tests.matrix.cells import Cell

FOLDER = Path(__file__).parents[2] / "build" / "matrix"


@dataclass(frozen=True, slots=True)
class Result:
    """
    What a cell came to, for the sources and tools that `key` stands for.

    `refused` is the converter's reason; otherwise `failed` lists what the gate found, `ran` is
    whether a runtime computed it and not our own reading of its program, and the rest says how the
    runtime takes the model: delegates, operators outside of them, and the rewrites that it needed.
    `unplaced` is why the operators that ran could not be given to blocks, `unattributed` the share
    of the time of those that could not.
    """

    key: str
    refused: str | None = None
    failed: tuple[str, ...] = ()
    ran: bool = False
    delegates: int | None = None
    outside: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    unplaced: str | None = None
    unattributed: float = 0.0


def key_of(cell: Cell) -> str:
    """Changes with our sources, the converters' versions and the recipe."""
    return hashlib.sha256(f"{_everything(cell.backend)} {cell.recipe.key}".encode()).hexdigest()


@cache
def _everything(backend: str) -> str:
    return f"{source_digest()} {tool_versions(format_of(backend).packages, backend)}"


def kept(cell: Cell) -> Result | None:
    """The result of an earlier run, unless anything that it depends on has changed."""
    file = FOLDER / f"{cell.name}.json"
    if not file.is_file():
        return None
    result = from_json(file.read_bytes(), Result, str(file))
    return result if result.key == key_of(cell) else None


def keep(cell: Cell, result: Result) -> None:
    """Write a result down, whole or not at all."""
    write(FOLDER / f"{cell.name}.json", to_json(result))
