"""Which tables a report has, in which order."""

from __future__ import annotations

from attnbench.report import comparison, power, studies
from attnbench.report.conditions_table import conditions
from attnbench.report.counters_table import counters
from attnbench.report.launches_table import launches, sustained
from attnbench.report.operators_table import operators
from attnbench.report.tables import Table, blocks, latency, parity, setting
from attnbench.report.view import columns, every_column, judged
from attnbench.store import Run


def tables(run: Run) -> tuple[Table, ...]:
    """The tables of a run that have anything to show."""
    shown = columns(run)
    held = map(comparison.table, run.comparisons)
    gates = judged(run)
    parts = parity(gates), *power.tables(gates)
    times = latency(shown), launches(shown), sustained(shown), blocks(shown)
    counted = counters(every_column(run))
    every = *studies.tables(run), *held, *times, counted, *parts, conditions(shown)
    return tuple(table for table in every if table.rows)


def details(run: Run) -> tuple[Table, ...]:
    """Further tables of a page, which are too long for a terminal."""
    shown = every_column(run)
    every = operators(shown), setting(shown)
    return tuple(table for table in every if table.rows)
