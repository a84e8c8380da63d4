"""The kinds of operators that ran in each runtime, and where they spent their time."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.records import Kind, Measurement, OperatorTime
from attnbench.report import units
from attnbench.report.tables import ABSENT, Heading, Row, Table
from attnbench.report.view import Column

SHOWN = 12
"""How many kinds of a runtime are told; the others are added up."""


def operators(shown: Sequence[Column]) -> Table:
    """For each runtime its kinds, the dearest first."""
    headings = (
        Heading("runtime", "name"),
        Heading("operator", "name"),
        *map(Heading, ("count", "attention, µs", "backbone, µs", "no block, µs", "%")),
    )
    rows = tuple(row for column in shown for row in _rows(column))
    return Table("Operators by kind", headings, rows)


def _rows(column: Column) -> list[Row]:
    m = column.measurement
    found: dict[str, list[OperatorTime]] = {}
    for one in m.operators:
        found.setdefault(one.kind, []).append(one)
    ordered = sorted(found.items(), key=lambda item: -_ns(item[1]))
    groups = ordered[:SHOWN]
    if others := [one for _, each in ordered[SHOWN:] for one in each]:
        groups.append((f"{units.counted(len(ordered) - SHOWN, 'other kind')}", others))
    return [
        Row((column.label if at == 0 else "", kind, *_cells(each, m)))
        for at, (kind, each) in enumerate(groups)
    ]


def _cells(each: Sequence[OperatorTime], m: Measurement) -> tuple[str, ...]:
    kinds: dict[str | None, Kind] = {block.path: block.kind for block in m.blocks or ()}
    spent: dict[Kind | None, int] = {}
    for one in each:
        home = kinds.get(one.block)
        spent[home] = spent.get(home, 0) + one.ns
    homes: tuple[Kind | None, ...] = ("attention", "backbone", None)
    times = [units.microseconds(spent[home]) if home in spent else ABSENT for home in homes]
    return str(len(each)), *times, f"{_ns(each) / (_ns(m.operators) or 1) * 100:.1f}"


def _ns(each: Sequence[OperatorTime]) -> int:
    return sum(one.ns for one in each)
