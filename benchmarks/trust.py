"""
Can the comparison be trusted? `make bench-trust`, as long as --budget says; run again, it goes on.

Experiments of `attnbench compare --whole --detect 3%` on this machine, in turn of a model against
itself and against itself made 3 % slower (slowed.cpp). Decisions are one-sided at a nominal 2.5 %.
Passes if the 95 % Clopper-Pearson interval of false alarms has a value of at most 5 %, and that of
the power one of at least 80 %. Exits 1 if not, 7 if there are no experiments of both kinds yet.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from attnbench.cli.console import Steps
from attnbench.cli.quantities import Duration
from attnbench.devices.host import Host
from attnbench.pipeline.compare import compare
from attnbench.pipeline.effort import INTERLEAVED
from attnbench.pipeline.noise import artifact_in
from attnbench.pipeline.trial import Experiment, Plan, Side
from attnbench.records import Artifact, Comparison, Finding
from attnbench.runner import Argument, Finished, Local, Reads, build
from attnbench.stats import share_interval

SLOWER = 0.03
MOST_ALARMS, LEAST_POWER = 0.05, 0.8


@dataclass(frozen=True)
class Two:
    """Launches of one model file by another runner than all others."""

    model: Path
    runner: Path

    def __call__(self, engine: str, arguments: Sequence[Argument], timeout_s: float) -> Finished:
        files = [word.path for word in arguments if isinstance(word, Reads)]
        place = Local(self.runner) if files[0] == self.model else Local()
        return place(engine, arguments, timeout_s)


def experiment(a: Artifact, b: Artifact, place: Local | Two, cap_s: float) -> Comparison:
    """One comparison, as the command line would make it."""
    effort = replace(INTERLEAVED, paired_launches=0)
    plan = Plan.until(SLOWER, cap_s, secrets.randbits(32))
    host = Host(place=place)
    with Steps() as steps:
        return compare(Experiment(Side(a, effort), Side(b, effort), host, plan).run(steps))


def note(found: Comparison, truth: float) -> dict[str, object]:
    """What is kept of it."""
    assert found.rounds is not None
    return {
        "truth": truth,
        "finding": found.finding.value if found.finding else None,
        "ratio": found.whole.ratio,
        "low": found.whole.low,
        "high": found.whole.high,
        "rounds": len(found.rounds.orders),
        "needed": found.rounds.needed,
        "seconds": found.rounds.seconds,
        "valid": all(one.validity.ok for one in found.measurements),
        "taken_at": found.measurements[0].taken_at,
    }


def judged(results: Sequence[dict[str, object]]) -> int:
    """Print what they come to; the exit code."""
    passed = []
    for truth, name in ((0.0, "false alarms"), (SLOWER, "power")):
        found = [one["finding"] for one in results if one["truth"] == truth]
        if not found:
            return 7
        slower = found.count(Finding.SLOWER.value)
        low, high = share_interval(slower, len(found))
        good = low <= MOST_ALARMS if truth == 0 else high >= LEAST_POWER
        passed.append(good)
        ratio = median(float(str(one["ratio"])) for one in results if one["truth"] == truth)
        bound = f"at most {MOST_ALARMS:.0%}" if truth == 0 else f"at least {LEAST_POWER:.0%}"
        print(
            f"{name:13} {slower} of {len(found)}, {low:.1%} to {high:.1%}; {bound} is wanted: "
            f"{'ok' if good else 'FAILED'} (median ratio {ratio:.3f}, should be {1 + truth:.3f})"
        )
    short = sum(int(str(one["rounds"])) < int(str(one["needed"])) for one in results)
    busy = sum(not one["valid"] for one in results)
    print(f"of {len(results)}, {short} ended by their time limit, {busy} had warnings")
    return 0 if all(passed) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", default="30m", help="of this call, such as 30m")
    parser.add_argument("--each", default="3m", help="of one experiment")
    parser.add_argument("--results", type=Path, default=Path("reports/runs/trust.jsonl"))
    asked = parser.parse_args()
    budget_s, cap_s = (Duration().convert(text, None, None) for text in (asked.budget, asked.each))
    asked.results.parent.mkdir(parents=True, exist_ok=True)
    asked.results.touch()
    results = [json.loads(line) for line in asked.results.read_text().splitlines()]
    slowed = build(extra=[Path(__file__).with_name("slowed.cpp")])
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="attnbench-trust-") as name:
        folders = [Path(name, letter) for letter in "ab"]
        for folder in folders:
            folder.mkdir()
        a, b = map(artifact_in, folders)
        while time.monotonic() - began < budget_s:
            truth = SLOWER if len(results) % 2 else 0.0
            place = Two(Path(b.path), slowed) if truth else Local()
            results.append(note(experiment(a, b, place, cap_s), truth))
            with asked.results.open("a") as file:
                file.write(json.dumps(results[-1]) + "\n")
    return judged(results)


if __name__ == "__main__":
    sys.exit(main())
