"""What launches say besides the median: the slow tenth, start-up, memory, and continuous load."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.records import Measurement, Sustained
from attnbench.report import units
from attnbench.report.tables import ABSENT, Heading, Row, Table
from attnbench.report.view import Column


def launches(shown: Sequence[Column]) -> Table:
    """How slow one inference in ten is, and what a process needs before it is up to speed."""
    names = ("p90", "interval", "warm-up", "first", "load", "memory")
    headings = Heading("runtime", "name"), *map(Heading, names)
    rows = tuple(_row(column.label, column.measurement) for column in shown)
    return Table("Each launch, a process of its own", headings, rows)


def sustained(shown: Sequence[Column]) -> Table:
    """The same under continuous load, where that was measured."""
    names = ("for", "median", "p90", "interval", "slope a minute", "interval")
    headings = Heading("runtime", "name"), *map(Heading, names)
    loads = [(column.label, column.measurement.sustained) for column in shown]
    rows = tuple(_sustained_row(label, load) for label, load in loads if load is not None)
    return Table("Under continuous load, in one process", headings, rows)


def _row(label: str, m: Measurement) -> Row:
    p90 = m.p90_ns
    cells = (
        label,
        ABSENT if p90 is None else units.duration(p90.median),
        ABSENT if p90 is None else units.span(p90.low, p90.high),
        _warmup(m),
        units.duration(m.first_ns),
        units.duration(m.load_ns),
        f"{m.peak_rss_bytes / 1e6:.0f} MB",
    )
    return Row(cells)


def _warmup(m: Measurement) -> str:
    """How many inferences it took, over launches, and how many launches never got there."""
    counts = sorted({len(run) for run in m.warmup_runs})
    span = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{span}, {len(m.unsettled)} never" if m.unsettled else span


def _sustained_row(label: str, load: Sustained) -> Row:
    cells = (
        label,
        units.duration(load.seconds * 1e9),
        units.duration(load.median_ns),
        units.duration(load.p90_ns.median),
        units.span(load.p90_ns.low, load.p90_ns.high),
        f"{load.slope * 100:+.2f} %",
        f"{load.slope_low * 100:+.2f} to {load.slope_high * 100:+.2f} %",
    )
    return Row(cells)
