"""What `--json` prints: documents of schema 1, as described in docs/json.md."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from attnbench.records import SCHEMA, Comparison, Measurement, Noise, Outcome, Verdict
from attnbench.records.costs import AttentionCost
from attnbench.records.histories import History
from attnbench.records.losses import PrecisionLoss
from attnbench.records.papers import PaperTable
from attnbench.records.sweeps import Sweep
from attnbench.store import Run

Document = dict[str, Any]

ORDER: tuple[Outcome, ...] = ("fail", "inconclusive", "pass")
"""Worst first."""


def profile_document(measurements: Sequence[Measurement]) -> Document:
    """The document of `profile --json`: every measurement as it is recorded."""
    return {"schema": SCHEMA, "measurements": [_plain(m) for m in measurements]}


def parity_document(verdicts: Sequence[Verdict]) -> Document:
    """The document of `parity --json`; no verdict at all is a failure."""
    return {
        "schema": SCHEMA,
        "verdict": _word(bool(verdicts) and all(verdicts)),
        "artifacts": [_judged(verdict) for verdict in verdicts],
    }


def gate_document(run: Run) -> Document:
    """The document of `gate --json`, and of `parity --json` where no latency was judged."""
    found = parity_document(run.verdicts)
    if not run.gated:
        return found
    outcomes = {one.outcome for one in run.gated} | {found["verdict"]}
    return {
        **found,
        "verdict": next(one for one in ORDER if one in outcomes),
        "latency": [_plain(one) for one in run.gated],
    }


def run_document(run: Run) -> Document:
    """The document of `run --json` and `report --json`: both of the above for one run."""
    if run.comparisons:
        return compare_document(run.comparisons)
    if run.costs:
        return cost_document(run.costs)
    if run.sweeps:
        return sweep_document(run.sweeps)
    if run.losses:
        return loss_document(run.losses)
    if run.tables:
        return table_document(run.tables)
    return {**profile_document(run.measurements), **parity_document(run.verdicts)}


def compare_document(comparisons: Sequence[Comparison]) -> Document:
    """The document of `compare --json`."""
    return {
        "schema": SCHEMA,
        "verdict": worst(comparisons),
        "comparisons": [{**_plain(one), "verdict": one.outcome} for one in comparisons],
    }


def cost_document(costs: Sequence[AttentionCost]) -> Document:
    """The document of `cost --json`."""
    return {"schema": SCHEMA, "costs": [_plain(one) for one in costs]}


def sweep_document(sweeps: Sequence[Sweep]) -> Document:
    """The document of `sweep --json`."""
    return {"schema": SCHEMA, "sweeps": [_plain(one) for one in sweeps]}


def table_document(tables: Sequence[PaperTable]) -> Document:
    """The document of `table --json`."""
    return {"schema": SCHEMA, "tables": [_plain(one) for one in tables]}


def history_document(histories: Sequence[History]) -> Document:
    """The document of `history --json`."""
    return {"schema": SCHEMA, "histories": [_plain(one) for one in histories]}


def loss_document(losses: Sequence[PrecisionLoss]) -> Document:
    """The document of `precision --json`."""
    return {"schema": SCHEMA, "losses": [_plain(one) for one in losses]}


def noise_document(found: Noise) -> Document:
    """The document of `doctor --noise --json`."""
    return {"schema": SCHEMA, "noise": [_plain(found)]}


def worst(comparisons: Sequence[Comparison]) -> Outcome | None:
    """One that failed decides, then one that is inconclusive; None where there is no limit."""
    found = {one.outcome for one in comparisons}
    return next((outcome for outcome in ORDER if outcome in found), None)


def _judged(verdict: Verdict) -> Document:
    return {
        **_plain(verdict.artifact),
        "device": verdict.device,
        "verdict": _word(bool(verdict)),
        "evidence": verdict.evidence,
        "cases": _plain(verdict.cases),
        "notes": list(verdict.notes),
        "divergence": _plain(verdict.divergence),
        "power": _plain(verdict.power),
        "blind": list(verdict.blind),
    }


def _word(passed: bool) -> str:
    return "pass" if passed else "fail"


def _plain(record: object) -> Any:
    return _finite(msgspec.to_builtins(record))


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: both become null, as in the records."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
