"""What a run holds besides measurements, verdicts and comparisons: studies made of those."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from attnbench.report import cost, gated, history, losses, paper, sweep, units
from attnbench.report.tables import Table
from attnbench.store import Run

Said = tuple[Literal["error", "warning", "note"], str, str]
"""How serious it is, what it is about, and what there is to say."""


def tables(run: Run) -> Iterator[Table]:
    """Their tables, in their order."""
    for one in run.costs:
        yield from cost.tables(one)
    for swept in run.sweeps:
        yield from sweep.tables(swept)
    for table in run.tables:
        yield from paper.tables(table)
    for told in run.histories:
        yield from history.tables(told)
    yield from map(losses.table, run.losses)
    yield gated.table(run.gated)


def sentences(run: Run) -> Iterator[str]:
    """What they found."""
    for one in run.costs:
        yield from cost.sentences(one)
    for swept in run.sweeps:
        yield from sweep.sentences(swept)
    for table in run.tables:
        yield from paper.sentences(table)
    for told in run.histories:
        yield from history.sentences(told)
    yield from map(losses.sentence, run.losses)
    yield from gated.sentences(run.gated)


def notices(run: Run) -> Iterator[Said]:
    """What is missing from them, or wrong with them."""
    for one in run.costs:
        yield from (("note", one.comparison.a.backend, text) for text in cost.notices(one))
    for swept in run.sweeps:
        yield from (("warning", subject, text) for subject, text in sweep.notices(swept))
    for table in run.tables:
        yield from (("note", subject, text) for subject, text in paper.notices(table))
    yield from gated.notices(run.gated)


def terms(run: Run) -> Iterator[tuple[str, str]]:
    """What their numbers mean."""
    yield from dict.fromkeys(pair for one in run.costs for pair in cost.terms(one))
    if run.sweeps or any(table.sweep for table in run.tables):
        yield "Sweep", sweep.METHOD
    if run.tables:
        yield "Verdicts on a table", paper.METHOD
    if run.histories:
        yield "History", history.METHOD
    if run.losses:
        yield "Error per block", losses.METHOD


def titles(run: Run) -> Iterator[str]:
    """What they are about, where no artifact tells."""
    yield from map(sweep.title, run.sweeps)
    yield from map(paper.title, run.tables)
    yield from map(losses.title, run.losses)
    if run.histories:
        yield f"history of {units.counted(len(run.histories), 'model')}"
