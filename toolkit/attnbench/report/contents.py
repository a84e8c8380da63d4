"""Which tables a report has, in which order."""

from __future__ import annotations

from attnbench.report import comparison, power, studies
from attnbench.report.conditions_table import conditions
from attnbench.report.launches_table import launches, sustained
from attnbench.report.tables import Table, blocks, latency, parity
from attnbench.report.view import columns, judged
from attnbench.store import Run


def tables(run: Run) -> tuple[Table, ...]:
    """The tables of a run that have anything to show."""
    shown = columns(run)
    held = map(comparison.table, run.comparisons)
    gates = judged(run)
    parts = parity(gates), *power.tables(gates)
    times = latency(shown), launches(shown), sustained(shown), blocks(shown)
    every = *studies.tables(run), *held, *times, *parts, conditions(shown)
    return tuple(table for table in every if table.rows)
