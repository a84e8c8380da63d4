"""
What does attention cost as attnbench exports it? `make bench-deploy`, an hour on two quiet cores.

Each block is held against the backbone without attention, once in the form that the rewrites give
it and once as its authors wrote it, exported plainly. On an emulated Raspberry Pi times are counts
of instructions, which see no memory: beside them stand the bytes that operators read and write.
With --device they are times there, with intervals. What was measured is kept in build/deploy, so an
interrupted run goes on; remove the folder to begin anew. Exits 1 where a limit is not kept.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from attnbench import artifacts
from attnbench.graphs import open_graph

FOLDER = Path(__file__).parents[1] / "build" / "deploy"
RUNTIMES = ("onnx", "tflite", "executorch")
FORMS = {"rewritten": (), "plain": ("--no-rewrite", "all")}
NUMBER_BYTES = {"fp32": 4, "fp16": 2, "int8": 1}
VIEWS = {"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "RESHAPE", "SQUEEZE"}

LIMITS = {
    ("cortex-a76", "fp32"): {
        "coord": (1.25, 1.10, 1.12),
        "se": (1.12, 1.03, 1.04),
        "cbam": (None, 1.12, 1.18),
    },
    ("cortex-a76", "int8"): {
        "coord": (1.32, 1.25, 1.33),
        "se": (None, 1.11, 1.12),
        "cbam": (None, 1.36, None),
    },
    ("x86_64", "fp32"): {
        "coord": (1.31, 1.14, 1.15),
        "se": (1.14, 1.06, 1.07),
        "cbam": (1.41, 1.22, 1.40),
    },
}
"""How much a block may cost, as a ratio to none, in each of RUNTIMES."""


@dataclass(frozen=True, slots=True)
class Where:
    """A device, the architecture to export for, and under which name its limits are."""

    device: str
    target: str
    limits: str


def attnbench(*words: str, may_fail: bool = False) -> dict | None:
    """What a command says in JSON; None if it failed and may."""
    command = [sys.executable, "-m", "attnbench", *words, "--json"]
    environment = os.environ | {"ATTNBENCH_EMULATED": str(FOLDER / "machines")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode and not (may_fail and done.returncode == 4):
        sys.exit(done.stderr)
    return json.loads(done.stdout) if done.stdout else None


def exported(model: list[str], form: str, runtime: str, where: Where) -> Path | None:
    """The artifact of a model; None if its converter refuses it."""
    out = str(FOLDER / "artifacts" / where.target / form)
    words = ["export", *model, *FORMS[form], "--to", runtime, "--target", where.target]
    told = attnbench(*words, "--out", out, may_fail=True)
    return Path(told["artifacts"][0]["path"]) if told and told["artifacts"] else None


def moved_mb(path: Path) -> float:
    """What all operators of a file read and write, weights apart; views are free."""
    artifact = artifacts.load(path)
    graph = open_graph(artifact).graph
    values = [
        value
        for node in graph.nodes
        if node.operator not in VIEWS
        for value in (*node.inputs, *node.outputs)
    ]
    numbers = sum(math.prod(graph.shapes[one]) for one in values if one in graph.shapes)
    return numbers * NUMBER_BYTES[artifact.recipe.precision] / 1e6


def compared(none: Path, path: Path, where: Where, folder: Path) -> dict:
    """A comparison on the device, of an earlier run if there is one of these very files."""
    keys = [artifacts.load(one).sha256[:12] for one in (none, path)]
    kept = folder / f"{'-'.join(keys)}.json"
    if not kept.is_file():
        words = ["compare", str(none), str(path), "--device", where.device, "--whole"]
        told = attnbench(*words, "--runs", str(FOLDER / "runs"))
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(told))
    return json.loads(kept.read_text())["comparisons"][0]


def cells(asked: argparse.Namespace, precision: str, where: Where, name: str) -> Iterator[tuple]:
    """A row for each block, form and runtime, and whether it keeps its limit."""
    model = ["--backbone", asked.backbone, "--precision", precision]
    model += ["--size", asked.size] if asked.size else []
    for runtime in asked.to.split(","):
        none = exported(model, "rewritten", runtime, where)
        assert none is not None  # every backbone is exported everywhere
        yield ("none", "rewritten", runtime, "1", "", f"{moved_mb(none):.1f}"), True
        for block in asked.blocks.split(","):
            for form in FORMS:
                path = exported([*model, "--block", block], form, runtime, where)
                if path is None:
                    yield (block, form, runtime, "refused", "", ""), True
                    continue
                whole = compared(none, path, where, FOLDER / name)["whole"]
                limits = LIMITS.get((where.limits, precision), {}).get(block, (None,) * 3)
                limit = limits[RUNTIMES.index(runtime)] if form == "rewritten" else None
                shown = f"{whole['ratio']:.3f}"
                if whole["low"] is not None:
                    shown += f" ({whole['low']:.3f} to {whole['high']:.3f})"
                keeps = limit is None or round(whole["ratio"], 3) <= limit
                at_most = "" if limit is None else str(limit)
                yield (block, form, runtime, shown, at_most, f"{moved_mb(path):.1f}"), keeps


@contextmanager
def places(asked: argparse.Namespace, cpu: str) -> Iterator[Where]:
    """The device that was named, or else an emulated Pi with such a processor."""
    if asked.device:
        here = platform.machine()
        target = asked.target or (here if asked.device == "host" else "aarch64")
        yield Where(asked.device, target, target)
        return
    attnbench("emulate", "rpi5", "up", "--time", "instructions", "--cpu", cpu)
    try:
        yield Where("rpi5-emulated", "aarch64", cpu)
    finally:
        attnbench("emulate", "rpi5", "down")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="mobilenetv2")
    parser.add_argument("--size", help="by default the backbone's own")
    parser.add_argument("--blocks", default="se,coord,cbam")
    parser.add_argument("--to", default=",".join(RUNTIMES))
    parser.add_argument("--precisions", default="fp32,int8")
    parser.add_argument("--cpus", default="cortex-a76", help="emulated; cortex-a72 is another")
    parser.add_argument("--device", help="a device of yours, or host, instead")
    parser.add_argument("--target", help="of that device, if it is not aarch64")
    asked = parser.parse_args()
    all_keep = True
    for cpu in ["real"] if asked.device else asked.cpus.split(","):
        with places(asked, cpu) as where:
            for precision in asked.precisions.split(","):
                name = f"{asked.device or cpu}-{precision}"
                heads = ("block", "form", "runtime", "ratio to none", "at most", "MB moved")
                table = Table(*heads, title=f"{asked.backbone}, {precision}, {name}")
                for row, keeps in cells(asked, precision, where, name):
                    table.add_row(*row, style="" if keeps else "bold red")
                    all_keep &= keeps
                Console().print(table)
    return 0 if all_keep else 1


if __name__ == "__main__":
    sys.exit(main())
