"""The launches of a sweep on disk, one a line, so that an interrupted one goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from attnbench.files import check_writable
from attnbench.records import Launch
from attnbench.records.sweeps import Turn
from attnbench.store import from_json


@dataclass(frozen=True, slots=True)
class State:
    """What was launched so far; every launch is on disk before the next one begins."""

    path: Path
    turns: list[Turn] = field(default_factory=list)

    @classmethod
    def of(cls, path: Path) -> State:
        """
        What a file holds, which need not be there yet; a last line that is not whole is forgotten.

        Raises BadInput for a file that is none of ours, and BadOption if it cannot be written.
        """
        check_writable(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_bytes() if path.is_file() else b""
        whole = text[: text.rfind(b"\n") + 1]
        if whole != text:
            path.write_bytes(whole)
        return cls(path, [from_json(line, Turn, str(path)) for line in whole.splitlines()])

    def add(self, turn: Turn) -> None:
        """Keep a launch."""
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode(turn) + b"\n")
        self.turns.append(turn)

    def has(self, cell: str, at: int, sha256: str) -> bool:
        """Whether that artifact was launched in that round already."""
        return any(
            (turn.cell, turn.round, turn.sha256) == (cell, at, sha256) for turn in self.turns
        )

    def launches(self, cell: str, sha256: str) -> list[Launch]:
        """A cell's launches; those of an earlier export of it are left out."""
        return [turn.launch for turn in self.turns if (turn.cell, turn.sha256) == (cell, sha256)]
