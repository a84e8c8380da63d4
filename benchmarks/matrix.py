"""
Do block times add up in every pair of the zoo? `make bench-matrix`, an hour on a quiet machine.

For each pair of the matrix, at its size there, one `attnbench profile` call: closure and
unattributed share on the three runtimes; two more calls where that is off, and then the medians.
What was measured is kept in build/matrix-closure, so an interrupted run goes on; remove the folder
to begin anew. Writes docs/closure.md once every pair has been measured. Exits 1 unless closure is
within 2 % in the median and within 5 % at worst.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tests.matrix.cells import PAIRS, Cell

from attnbench.devices.host import cpu_name

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "matrix-closure"
PAGE = ROOT / "docs" / "closure.md"
RUNTIMES = ("onnx", "tflite", "executorch")
MEDIAN_WITHIN, WORST_WITHIN = 0.02, 0.05
CALLS = 3

INTRODUCTION = """# Do block times add up?

Written by `make bench-matrix`; not by hand. For every pair of [support.md](support.md), at its size
there: blocks and the named residual, over the plain inferences between which they were traced; 1 is
all of it. Behind it is the share that no block gets, if there is one. Measured on {processor},
{system}, one thread; {engines}. Models this small take a millisecond or two, of which a runtime's
profiler is a large part; larger ones close better.
"""


@dataclass(frozen=True, slots=True)
class Call:
    """What one call found on one runtime; `closure` is None where time could not be attributed."""

    engine: str
    closure: float | None
    unattributed: float
    warnings: tuple[str, ...]


Calls = list[Mapping[str, Call]]
"""By runtime, for each time that a pair was measured."""


def profiled(backbone: str, block: str) -> Mapping[str, Call]:
    """One call, in a process of its own, as a user types it."""
    height, width = Cell(backbone, block, RUNTIMES[0]).recipe.size
    command = [sys.executable, "-m", "attnbench", "profile", "--json", "--to", ",".join(RUNTIMES)]
    command += ["--backbone", backbone, "--block", block, "--size", f"{height}x{width}"]
    command += ["--out", str(FOLDER / "artifacts"), "--runs", str(FOLDER / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 6):
        sys.exit(f"{backbone} {block}: {done.stderr}")
    found = json.loads(done.stdout)["measurements"]
    return {one["artifact"]["backend"]: _call(one) for one in found}


def _call(one: Mapping) -> Call:
    engine, warnings = (
        f"{one['engine']} {one['engine_version']}",
        tuple(one["validity"]["warnings"]),
    )
    if one["closure"] is None:
        return Call(engine, None, 0.0, warnings)
    total = one["closure"] * one["paired"]["plain_ns"]
    return Call(engine, one["closure"], one["residual"]["unattributed"] / total, warnings)


def measured(backbone: str, block: str) -> Calls:
    """The calls of an earlier run, and as many more as it takes."""
    file = FOLDER / f"{backbone}-{block}.json"
    calls: Calls = []
    if file.is_file():
        kept = json.loads(file.read_text())
        calls = [{name: Call(**one) for name, one in call.items()} for call in kept]
    while len(calls) < (CALLS if any(off(calls, name) > MEDIAN_WITHIN for name in RUNTIMES) else 1):
        calls.append(profiled(backbone, block))
        FOLDER.mkdir(parents=True, exist_ok=True)
        plain = [{name: asdict(one) for name, one in call.items()} for call in calls]
        file.write_text(json.dumps(plain))
    return calls


def closure(calls: Calls, runtime: str) -> float | None:
    """The median of all calls; None where there is none, or time could not be attributed."""
    found = [call[runtime].closure for call in calls]
    known = [one for one in found if one is not None]
    return median(known) if known and len(known) == len(found) else None


def off(calls: Calls, runtime: str) -> float:
    """By how much block times miss the whole; 0 where there are none."""
    found = closure(calls, runtime)
    return 0.0 if found is None else abs(found - 1)


def page(found: Mapping[tuple[str, str], Calls]) -> str:
    """docs/closure.md."""
    versions = ", ".join(engines(found))
    return "\n".join(
        [
            INTRODUCTION.format(processor=cpu_name(), system=platform.system(), engines=versions),
            *summary(found),
            "",
            f"| backbone | block | {' | '.join(RUNTIMES)} |",
            "|---" * (2 + len(RUNTIMES)) + "|",
            *(
                f"| {' | '.join(pair)} | {' | '.join(said(calls, name) for name in RUNTIMES)} |"
                for pair, calls in found.items()
            ),
            "",
            f"## Off by more than {WORST_WITHIN:.0%}, or refused",
            "",
            *(list(beyond(found)) or ["None."]),
            "",
        ]
    )


def engines(found: Mapping[tuple[str, str], Calls]) -> Sequence[str]:
    return sorted(
        {one.engine for calls in found.values() for call in calls for one in call.values()}
    )


def summary(found: Mapping[tuple[str, str], Calls]) -> Iterator[str]:
    for name in RUNTIMES:
        gaps = [off(calls, name) for calls in found.values()]
        yield f"- {name}: off by {median(gaps):.2%} in the median, {max(gaps):.2%} at worst"


def said(calls: Calls, runtime: str) -> str:
    found = closure(calls, runtime)
    lost = median(call[runtime].unattributed for call in calls)
    if found is None:
        return "**refused**"
    return f"{found:.3f}" + (f" ({lost:.1%})" if lost else "")


def beyond(found: Mapping[tuple[str, str], Calls]) -> Iterator[str]:
    for pair, calls in found.items():
        for name in RUNTIMES:
            if closure(calls, name) is None or off(calls, name) > WORST_WITHIN:
                yield f"- {' '.join(pair)}, {name}: {'; '.join(calls[-1][name].warnings)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only pairs whose name contains this")
    asked = parser.parse_args()
    pairs = [pair for pair in PAIRS if asked.only in "-".join(pair)]
    found = {}
    for number, pair in enumerate(pairs, 1):
        found[pair] = measured(*pair)
        figures = "  ".join(f"{name} {said(found[pair], name)}" for name in RUNTIMES)
        print(f"{number:2} of {len(pairs)}  {' '.join(pair)}: {figures}", flush=True)
    print(*summary(found), *beyond(found), sep="\n")
    if len(pairs) == len(PAIRS):
        PAGE.write_text(page(found))
    gaps = {name: [off(calls, name) for calls in found.values()] for name in RUNTIMES}
    holds = all(median(of) <= MEDIAN_WITHIN and max(of) <= WORST_WITHIN for of in gaps.values())
    refused = any(closure(calls, name) is None for calls in found.values() for name in RUNTIMES)
    return 0 if holds and not refused else 1


if __name__ == "__main__":
    sys.exit(main())
