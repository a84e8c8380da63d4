"""What became of every fault, one JSON line each: an interrupted run goes on where it was."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec

from attnbench.files import digest
from tests.mutation.trial import Result

ROOT = Path(__file__).parents[2]
FILE = ROOT / "build" / "mutation" / "results.jsonl"
PIPELINE = ("alone", "inside", "parity", "probe", "reordered", "search")
SOURCES = (
    *("models/attnbench_models", "toolkit/runner", "tests/mutation", "tests/slices.py"),
    *(f"toolkit/attnbench/{part}" for part in ("backends", "rewrites", "parity", "graphs")),
    *(f"toolkit/attnbench/pipeline/{part}.py" for part in PIPELINE),
)
"""What a result depends on."""


@cache
def key() -> str:
    """Changes with whatever a result depends on."""
    total = hashlib.sha256()
    for source in SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            total.update(digest(file).encode())
    return total.hexdigest()[:16]


def kept(file: Path = FILE) -> Iterator[Result]:
    """The results that still hold; a line that was cut off in the middle is left out."""
    for line in file.read_bytes().splitlines() if file.is_file() else ():
        try:
            result = msgspec.json.decode(line, type=Result)
        except msgspec.DecodeError:
            continue
        if result.key == key():
            yield result


def keep(result: Result, file: Path = FILE) -> None:
    """Add a line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as lines:
        lines.write(msgspec.json.encode(result) + b"\n")
