"""
What does attention cost as attnbench exports it? `make bench-deploy`, hours.

Each block is held against the backbone without attention, in the form that the rewrites give it,
and that form against its authors', exported plainly. On an emulated Raspberry Pi times are counts
of instructions, the same at every boot, which see no memory: beside them stand the bytes that
operators read and write. With --device they are times there, with intervals. What was measured is
kept in build/deploy, so an interrupted run goes on; remove the folder to begin anew. Exits 1 where
a limit is not kept.
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
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from attnbench import artifacts
from attnbench.devices import DEVICES
from attnbench.errors import AttnbenchError
from attnbench.graphs import open_graph
from attnbench.pipeline.effort import COUNTED
from attnbench.pipeline.profile import profile
from attnbench.progress import Silent

FOLDER = Path(__file__).parents[1] / "build" / "deploy"
EMULATED = "rpi5-emulated"
RUNTIMES = ("onnx", "tflite", "executorch")
BACKBONES = {"mobilenetv2": "se,coord,cbam", "mobilenext": "coord", "seaformer-t-seg": "sea"}
"""Backbones and the blocks that are held against none in them, each at its own input size."""

FORMS = {"rewritten": (), "plain": ("--no-rewrite", "all")}
NUMBER_BYTES = {"fp32": 4, "fp16": 2, "int8": 1}
FREE = {
    *("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "RESHAPE", "SQUEEZE"),
    *("QuantizeLinear", "DequantizeLinear"),
}
"""Views, and what is computed in an operator beside it."""

HEADS = ("runtime", "block", "ratio to none", "at most", "authors' form is", "MB moved", "outside")

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
"""How much a block of MobileNetV2 may cost, as a ratio to none, in each of RUNTIMES."""


@dataclass(frozen=True, slots=True)
class Where:
    """A device, the architecture to export for, and under which name its limits are."""

    device: str
    target: str
    name: str


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long as something else; where times vary, with an interval."""

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        shown = f"{self.value:.3f}"
        return shown if self.low is None else f"{shown} ({self.low:.3f} to {self.high:.3f})"


def attnbench(*words: str, may_fail: bool = False) -> dict | None:
    """What a command says in JSON; None if a converter refused and may."""
    command = [sys.executable, "-m", "attnbench", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and not (may_fail and done.returncode == 4):
        sys.exit(done.stderr)
    return json.loads(done.stdout) if done.stdout else None


def exported(model: list[str], form: str, runtime: str, where: Where) -> Path | None:
    """The artifact of a model; None if its converter refuses it."""
    out = str(FOLDER / "artifacts" / where.target / form)
    words = ["export", *model, *FORMS[form], "--to", runtime, "--target", where.target]
    told = attnbench(*words, "--out", out, may_fail=True)
    return Path(told["artifacts"][0]["path"]) if told and told["artifacts"] else None


def moved_mb(path: Path) -> str:
    """What all operators of a file read and write, weights apart; "?" if it cannot be read."""
    artifact = artifacts.load(path)
    try:
        graph = open_graph(artifact).graph
    except AttnbenchError:
        return "?"
    values = [
        value
        for node in graph.nodes
        if node.operator not in FREE
        for value in (*node.inputs, *node.outputs)
    ]
    numbers = sum(math.prod(graph.shapes[one]) for one in values if one in graph.shapes)
    return f"{numbers * NUMBER_BYTES[artifact.recipe.precision] / 1e6:.1f}"


def outside(path: Path) -> str:
    """Which operators run outside the delegate, and how many of each."""
    named = [one.operator for one in artifacts.load(path).delegation.outside]
    return ", ".join(f"{named.count(one)} {one}" for one in sorted(set(named)))


def ratio(a: Path, b: Path, where: Where) -> Ratio:
    """B's time as a multiple of A's."""
    if where.device == EMULATED:
        return Ratio(instruction_ns(b, where) / instruction_ns(a, where))
    whole = compared(a, b, where)["whole"]
    return Ratio(whole["ratio"], whole["low"], whole["high"])


def instruction_ns(path: Path, where: Where) -> int:
    """The instruction time of a file, kept under its digest."""
    artifact = artifacts.load(path)
    kept = FOLDER / where.name / f"{artifact.sha256[:12]}.json"
    if not kept.is_file():
        whole = replace(COUNTED, paired_launches=0)
        measured = profile(artifact, DEVICES.get(where.device), whole, Silent())
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"file": path.name, "ns": measured.latency_ns.median}))
    return int(json.loads(kept.read_text())["ns"])


def compared(a: Path, b: Path, where: Where) -> dict:
    """A comparison on the device, of an earlier run if there is one of these very files."""
    keys = [artifacts.load(one).sha256[:12] for one in (a, b)]
    kept = FOLDER / where.name / f"{'-'.join(keys)}.json"
    if not kept.is_file():
        words = ["compare", str(a), str(b), "--device", where.device, "--whole"]
        told = attnbench(*words, "--runs", str(FOLDER / "runs"))
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(told))
    return json.loads(kept.read_text())["comparisons"][0]


def limit(backbone: str, precision: str, block: str, runtime: str, where: Where) -> float | None:
    """How much the block may cost there; None if nothing is asked."""
    if backbone != "mobilenetv2":
        return None
    limits = LIMITS.get((where.name, precision), {}).get(block, (None, None, None))
    return limits[RUNTIMES.index(runtime)]


def row(model: list[str], block: str, runtime: str, where: Where) -> tuple[list[str], float]:
    """A block's cells, without its limit, and its ratio to none."""
    none = exported([*model, "--block", "none"], "rewritten", runtime, where)
    ours, plain = (exported([*model, "--block", block], form, runtime, where) for form in FORMS)
    assert none is not None  # what is measured here is exported everywhere
    assert ours is not None
    cost = ratio(none, ours, where)
    theirs = "refused" if plain is None else f"{ratio(ours, plain, where)}"
    moved = " / ".join(moved_mb(one) for one in (none, ours, plain) if one)
    return [runtime, block, str(cost), theirs, moved, outside(ours)], cost.value


def table(backbone: str, asked: argparse.Namespace, precision: str, where: Where) -> bool:
    """Print what all blocks cost in a backbone; whether they keep their limits."""
    model = ["--backbone", backbone, "--precision", precision]
    model += ["--size", asked.size] if asked.size else []
    shown = Table(*HEADS, title=f"{backbone}, {precision}, {where.name}")
    shown.caption = "MB moved: without attention / so / in the authors' form"
    all_keep = True
    for runtime in asked.to.split(","):
        for block in (asked.blocks or BACKBONES[backbone]).split(","):
            cells, cost = row(model, block, runtime, where)
            most = limit(backbone, precision, block, runtime, where)
            keeps = most is None or round(cost, 3) <= most
            cells.insert(3, "" if most is None else str(most))
            shown.add_row(*cells, style="" if keeps else "bold red")
            all_keep &= keeps
    Console().print(shown)
    return all_keep


@contextmanager
def places(asked: argparse.Namespace, cpu: str) -> Iterator[Where]:
    """The device that was named, or else an emulated Pi with such a processor."""
    if asked.device:
        here = platform.machine()
        target = asked.target or (here if asked.device == "host" else "aarch64")
        yield Where(asked.device, target, target if asked.device == "host" else asked.device)
        return
    attnbench("emulate", "rpi5", "up", "--time", "instructions", "--cpu", cpu)
    try:
        yield Where(EMULATED, "aarch64", cpu)
    finally:
        attnbench("emulate", "rpi5", "down")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbones", default=",".join(BACKBONES))
    parser.add_argument("--size", help="by default each backbone's own")
    parser.add_argument("--blocks", help="by default those that are at home in a backbone")
    parser.add_argument("--to", default=",".join(RUNTIMES))
    parser.add_argument("--precisions", default="fp32,int8")
    parser.add_argument("--cpus", default="cortex-a76,cortex-a72", help="emulated")
    parser.add_argument("--device", help="a device of yours, or host, instead")
    parser.add_argument("--target", help="of that device, if it is not aarch64")
    asked = parser.parse_args()
    os.environ["ATTNBENCH_EMULATED"] = str(FOLDER / "machines")
    all_keep = True
    for cpu in ["real"] if asked.device else asked.cpus.split(","):
        with places(asked, cpu) as where:
            for precision in asked.precisions.split(","):
                for backbone in asked.backbones.split(","):
                    all_keep &= table(backbone, asked, precision, where)
    return 0 if all_keep else 1


if __name__ == "__main__":
    sys.exit(main())
