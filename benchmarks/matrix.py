"""
Do block times add up in every pair of the zoo? `make bench-matrix`, an hour or more.

For each pair of the matrix one `attnbench profile` call: closure and unattributed share on the
three runtimes. What was measured is kept in build/matrix-closure, so an interrupted run goes on;
remove the folder to begin anew. Exits 1 unless closure is within 2 % in the median and within 5 %
at worst.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table
from tests.matrix.cells import PAIRS, Cell

FOLDER = Path(__file__).parents[1] / "build" / "matrix-closure"
RUNTIMES = ("onnx", "tflite", "executorch")
MEDIAN_WITHIN, WORST_WITHIN = 0.02, 0.05


def measured(backbone: str, block: str, size: str | None, more: list[str]) -> list[dict]:
    """The measurements of a pair, of an earlier run if there are any."""
    kept = FOLDER / f"{backbone}-{block}-{size or 'own'}.json"
    if not kept.is_file():
        command = [sys.executable, "-m", "attnbench", "profile", "--json", *more]
        command += ["--backbone", backbone, "--block", block, "--to", ",".join(RUNTIMES)]
        command += ["--size", size] if size else []
        command += ["--out", str(FOLDER / "artifacts"), "--runs", str(FOLDER / "runs")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 6):
            sys.stderr.write(f"{backbone} {block}: {done.stderr}")
            return []
        FOLDER.mkdir(parents=True, exist_ok=True)
        kept.write_text(done.stdout)
    return json.loads(kept.read_text())["measurements"]


def figures(one: dict) -> tuple[float, float] | None:
    """Closure and unattributed share, if the times could be attributed at all."""
    if one["closure"] is None:
        return None
    total = one["closure"] * one["paired"]["plain_ns"]
    return one["closure"], one["residual"]["unattributed"] / total


def rows(asked: argparse.Namespace) -> Iterator[tuple[Cell, dict]]:
    for backbone, block in PAIRS:
        if not asked.only or asked.only in f"{backbone}-{block}":
            for one in measured(backbone, block, asked.size, asked.more):
                yield Cell(backbone, block, one["artifact"]["backend"]), one


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", help="side length in pixels; by default each backbone's own")
    parser.add_argument("--only", help="only pairs whose name contains this")
    parser.add_argument("more", nargs="*", help="further options of `attnbench profile`, after --")
    asked = parser.parse_args()
    table = Table("pair", "runtime", "closure", "unattributed", "valid", title="Matrix")
    found: dict[str, list[float]] = {name: [] for name in RUNTIMES}
    refused = 0
    for cell, one in rows(asked):
        pair, told = f"{cell.backbone} {cell.block}", figures(one)
        if told is None:
            refused += 1
            table.add_row(pair, cell.backend, "refused", one["refusal"], style="bold red")
            continue
        closure, lost = told
        found[cell.backend].append(abs(closure - 1))
        valid = "yes" if one["validity"]["ok"] else "no"
        off = abs(closure - 1) > WORST_WITHIN
        cells = (pair, cell.backend, f"{closure:.4f}", f"{lost:.2%}", valid)
        table.add_row(*cells, style="bold red" if off else "")
    console = Console()
    console.print(table)
    for name, gaps in found.items():
        if gaps:
            console.print(f"{name}: off by {median(gaps):.2%} in the median, {max(gaps):.2%} worst")
    holds = all(
        gaps and median(gaps) <= MEDIAN_WITHIN and max(gaps) <= WORST_WITHIN
        for gaps in found.values()
    )
    return 0 if holds and not refused else 1


if __name__ == "__main__":
    sys.exit(main())
