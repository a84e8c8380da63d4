"""
Does instruction time repeat? `make bench-instructions`, half an hour on two quiet cores.

Boots an emulated device several times, profiles one model in each runtime every time, and prints
how far the whole and each block above 2 % of it spread over boots. Exits 1 beyond 0.1 % and 0.5 %.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

WHOLE_WITHIN = 0.001
BLOCK_WITHIN = 0.005
LARGE = 0.02
BACKENDS = "onnx,tflite,executorch"


def attnbench(*words: str, folder: Path) -> str:
    """What a command prints, as a user types it, with machines of its own."""
    environment = os.environ | {"ATTNBENCH_EMULATED": str(folder / "machines")}
    done = subprocess.run(
        [sys.executable, "-m", "attnbench", *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=folder,
    )
    if done.returncode not in (0, 6):
        sys.exit(done.stderr)
    return done.stdout


def boot(machine: str, model: list[str], folder: Path) -> list[dict]:
    """The measurements of one boot."""
    attnbench("emulate", machine, "up", "--time", "instructions", folder=folder)
    try:
        asked = ["profile", *model, "--device", f"{machine}-emulated", "--json"]
        return json.loads(attnbench(*asked, folder=folder))["measurements"]
    finally:
        attnbench("emulate", machine, "down", folder=folder)


def spread(values: list[int]) -> float:
    """Largest over smallest, less one."""
    return max(values) / min(values) - 1


def row(boots: list[dict]) -> tuple[list[str], bool]:
    """One runtime's figures over all boots, and whether they hold."""
    first = boots[0]
    whole = spread([one["latency_ns"]["median"] for one in boots])
    refusals = [one["refusal"] for one in boots if one["refusal"]]
    if refusals:
        return [first["engine"], f"{whole:.3%}", "refused", "", refusals[0]], False
    large = [block["path"] for block in first["blocks"] if block["share"] > LARGE]
    times = {
        path: [next(b["ns"] for b in one["blocks"] if b["path"] == path) for one in boots]
        for path in large
    }
    worst = max(times, key=lambda path: spread(times[path]))
    closures = [one["closure"] for one in boots]
    cells = [
        first["engine"],
        f"{first['latency_ns']['median'] / 1e6:.3f} ms",
        f"{whole:.3%}",
        f"{spread(times[worst]):.3%} ({worst}, of {len(large)})",
        f"{min(closures):.4f} to {max(closures):.4f}",
    ]
    return cells, whole <= WHOLE_WITHIN and spread(times[worst]) <= BLOCK_WITHIN


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", default="rpi5,pixel4")
    parser.add_argument("--boots", type=int, default=3)
    parser.add_argument("--block", default="coord")
    parser.add_argument("--size", default="96")
    parser.add_argument("--to", default=BACKENDS)
    asked = parser.parse_args()
    model = ["--block", asked.block, "--size", asked.size, "--to", asked.to]
    all_hold = True
    with tempfile.TemporaryDirectory(prefix="attnbench-") as name:
        for machine in asked.machines.split(","):
            table = Table(
                *("runtime", "whole", "spread", "worst large block", "closure"),
                title=f"Instruction time over {asked.boots} boots of {machine}",
            )
            boots = [boot(machine, model, Path(name)) for _ in range(asked.boots)]
            for runtime in zip(*boots, strict=True):
                cells, holds = row(list(runtime))
                table.add_row(*cells, style="" if holds else "bold red")
                all_hold &= holds
            Console().print(table)
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
