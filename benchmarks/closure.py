"""
Do block times add up to the whole? `make bench-closure`, about 15 minutes on a quiet machine.

For MobileNetV2 with each block the median of several `attnbench profile` calls: closure within
2 %, unattributed at most 1.5 %, on every runtime. Exits 1 if a row misses that.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

CLOSES_WITHIN = 0.02
UNATTRIBUTED = 0.015


def profile(block: str, size: str, folder: Path) -> list[dict]:
    """One profile call in a process of its own, as a user types it."""
    command = [sys.executable, "-m", "attnbench", "profile", "--block", block, "--size", size]
    command += ["--to", "onnx,tflite,executorch", "--json", "--out", str(folder / "artifacts")]
    command += ["--runs", str(folder / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 6):
        sys.exit(done.stderr)
    return json.loads(done.stdout)["measurements"]


def row(block: str, calls: list[dict]) -> tuple[list[str], bool]:
    """One runtime's figures over all calls, and whether they hold."""
    closures = [one["closure"] for one in calls if one["closure"] is not None]
    if len(closures) < len(calls):
        return [block, calls[0]["artifact"]["backend"], "refused", calls[0]["refusal"], ""], False
    lost = [
        one["residual"]["unattributed"] / (one["closure"] * one["paired"]["plain_ns"])
        for one in calls
    ]
    holds = abs(median(closures) - 1) <= CLOSES_WITHIN and median(lost) <= UNATTRIBUTED
    cells = [
        block,
        calls[0]["artifact"]["backend"],
        f"{median(closures):.4f}",
        f"{min(closures):.4f} to {max(closures):.4f}",
        f"{median(lost):.2%}",
    ]
    return cells, holds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", default="none,se,coord")
    parser.add_argument("--calls", type=int, default=5)
    parser.add_argument("--size", default="224")
    parser.add_argument("--folder", type=Path, default=Path("reports/runs/closure"))
    asked = parser.parse_args()
    table = Table("block", "runtime", "closure, median", "range", "unattributed", title="Closure")
    all_hold = True
    for block in asked.blocks.split(","):
        calls = [profile(block, asked.size, asked.folder) for _ in range(asked.calls)]
        for runtime in zip(*calls, strict=True):
            cells, holds = row(block, list(runtime))
            table.add_row(*cells, style="" if holds else "bold red")
            all_hold &= holds
    Console().print(table)
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
