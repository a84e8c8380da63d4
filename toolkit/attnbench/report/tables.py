"""The report's tables as text in cells, for a terminal, Markdown and HTML alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from attnbench.records import Counters, Measurement
from attnbench.report import units
from attnbench.report.margins import Margin, worst
from attnbench.report.view import (
    Column,
    Judged,
    Sums,
    block_rows,
    closes,
    counted,
    sums,
    union,
)

Mark = Literal["plain", "attention", "sum", "bad"]

ABSENT = "–"

WRONG = "✗"
"""In front of what is outside of its limits: colour alone must not say it."""


@dataclass(frozen=True, slots=True)
class Heading:
    """
    A column's title; neighbours of one `group` share it as a title above theirs.

    Numbers are aligned on the right, names may be broken over two lines, words may not.
    """

    text: str
    kind: Literal["name", "word", "number"] = "number"
    group: str = ""

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers."""
        return self.kind == "number"


@dataclass(frozen=True, slots=True)
class Row:
    """Cells, the first of which names the row; `depth` indents it, `mark` says how to show it."""

    cells: tuple[str, ...]
    mark: Mark = "plain"
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A table that says what it shows."""

    title: str
    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]


def latency(shown: Sequence[Column]) -> Table:
    """What one inference takes in each runtime, and how far that can be trusted."""
    names = ("median", "interval", "attention", "share", "closure")
    headings = (
        Heading("runtime", "name"),
        *map(Heading, names),
        Heading("valid", "name"),
    )
    rows = tuple(_latency_row(column) for column in shown)
    time = "Instruction time (no latency)" if counted([c.measurement for c in shown]) else "Latency"
    return Table(f"{time} of one inference", headings, rows)


def blocks(shown: Sequence[Column]) -> Table:
    """The block tree beside its times in each attributed runtime, and their sums."""
    attributed = [(c, total) for c in shown if (total := sums(c.measurement)) is not None]
    headings = [Heading("block", "name")]
    for column, _ in attributed:
        headings += [Heading("µs", group=column.label), Heading("%", group=column.label)]
    rows = (*_tree([c.measurement for c, _ in attributed]), *_sum_rows(attributed))
    return Table("Time per block, each without the blocks inside it", tuple(headings), rows)


def parity(shown: Sequence[Judged]) -> Table:
    """For each artifact and metric the input that comes nearest to the limit, or exceeds it."""
    headings = (
        Heading("artifact", "name"),
        Heading("parity", "word"),
        Heading("metric", "word"),
        *map(Heading, ("value", "limit", "error")),
        Heading("input", "name"),
    )
    rows = tuple(row for one in shown for row in _parity_rows(one))
    return Table("Parity with PyTorch, worst input of each metric", headings, rows)


def setting(shown: Sequence[Column]) -> Table:
    """What else is known about each measurement."""
    headings = (Heading("", "word"), *(Heading(column.label) for column in shown))
    facts = [_facts(column.measurement) for column in shown]
    rows = tuple(
        Row((name, *(fact[name] for fact in facts))) for name in (facts[0] if facts else ())
    )
    return Table("Setting of each measurement", headings, rows)


def trust(measurement: Measurement) -> str:
    """Whether a measurement is valid, and how many warnings it carries."""
    validity = measurement.validity
    warnings = units.counted(len(validity.warnings), "warning") if validity.warnings else ""
    if not validity.ok:
        return f"{WRONG} no, {warnings}" if warnings else f"{WRONG} no"
    return f"yes, {warnings}" if warnings else "yes"


def closure(measurement: Measurement) -> str:
    """The closure to a thousandth, marked when it is outside of the band."""
    if measurement.closure is None:
        return ABSENT
    mark = "" if closes(measurement.closure) else f"{WRONG} "
    return f"{mark}{measurement.closure:.3f}"


def _latency_row(column: Column) -> Row:
    m, total = column.measurement, sums(column.measurement)
    attention = (ABSENT, ABSENT)
    if total is not None:
        attention = units.duration(total.attention_ns), units.percent(total.attention_share)
    cells = (
        column.label,
        units.duration(m.latency_ns.median),
        units.span(m.latency_ns.low, m.latency_ns.high),
        *attention,
        closure(m),
        trust(m),
    )
    return Row(cells, "plain" if m.validity.ok else "bad")


def _tree(measurements: Sequence[Measurement]) -> list[Row]:
    tables = [block_rows(m) for m in measurements]
    by_path = [{row.path: row for row in table} for table in tables]
    rows = []
    for row in union(tables):
        cells = [row.name]
        for found in by_path:
            here = found.get(row.path)
            cells += [here.text, f"{here.share * 100:.1f}"] if here else [ABSENT, ""]
        mark: Mark = "attention" if row.kind == "attention" else "plain"
        rows.append(Row(tuple(cells), mark, row.depth))
    return rows


def _sum_rows(attributed: Sequence[tuple[Column, Sums]]) -> list[Row]:
    if not attributed:
        return []
    totals = [total for _, total in attributed]

    def line(name: str, ns: Sequence[int], mark: Mark = "sum", depth: int = 0) -> Row:
        pairs = zip(totals, ns, strict=True)
        cells = ((units.microseconds(n), f"{total.share(n) * 100:.1f}") for total, n in pairs)
        return Row((name, *(text for pair in cells for text in pair)), mark, depth)

    return [
        line("backbone", [t.backbone_ns for t in totals]),
        line("attention", [t.attention_ns for t in totals]),
        line("residual", [sum(t.residual_ns.values()) for t in totals]),
        *(
            line(key, [t.residual_ns[key] for t in totals], "plain", 1)
            for key in totals[0].residual_ns
        ),
        line("total", [t.total_ns for t in totals]),
        *_check_rows([column.measurement for column, _ in attributed]),
    ]


def _check_rows(measurements: Sequence[Measurement]) -> list[Row]:
    """What the total is held against; these are no parts of it and have no share."""

    def line(name: str, texts: Sequence[str]) -> Row:
        return Row((name, *(cell for text in texts for cell in (text, ""))), "sum")

    plain = [units.microseconds(m.paired.plain_ns) if m.paired else ABSENT for m in measurements]
    overhead = [
        ABSENT if m.profiler_overhead_ns is None else units.microseconds(m.profiler_overhead_ns)
        for m in measurements
    ]
    return [
        line("paired plain", plain),
        line("closure", [closure(m) for m in measurements]),
        line("profiler, subtracted", overhead),
    ]


def _parity_rows(one: Judged) -> list[Row]:
    verdict = one.word if one.word == "pass" else f"{WRONG} {one.word}"
    if one.verdict.evidence == "program":
        verdict += " (program)"
    if not one.verdict.cases:
        return [Row((one.label, verdict, "no case was judged", "", "", "", ""), "bad")]
    return [
        _parity_row((one.label, verdict) if first else ("", ""), margin)
        for first, margin in ((i == 0, m) for i, m in enumerate(worst(one.verdict)))
    ]


def _parity_row(head: tuple[str, str], margin: Margin) -> Row:
    case = margin.case
    distance = margin.text if case.passed else f"{WRONG} {margin.text}"
    cells = (*head, case.metric, margin.value, margin.limit, distance, case.input)
    return Row(cells, "plain" if case.passed else "bad")


def _facts(m: Measurement) -> dict[str, str]:
    paired = m.paired
    return {
        "engine": f"{m.engine} {m.engine_version}",
        "threads on CPUs": f"{m.threads} on {', '.join(map(str, m.cpus)) or 'any'}",
        "launches × iterations": f"{len(m.runs)} × {len(m.runs[0])}",
        "paired, traced": f"{paired.launches} × {paired.iterations}" if paired else ABSENT,
        "load": units.duration(m.load_ns),
        "first inference": units.duration(m.first_ns),
        "peak memory": f"{m.peak_rss_bytes / 1e6:.0f} MB",
        "load average": f"{_load(m.conditions.load_before)} to {_load(m.conditions.load_after)}"
        f" on {units.counted(m.conditions.cores, 'core')}",
        "other processes": _cores(m.conditions.competing_cores),
        "counters": _counters(m.counters),
        "artifact sha256": m.artifact.sha256[:12],
    }


def _cores(busy: float | None) -> str:
    return "?" if busy is None else f"{busy:.2f} cores"


def _counters(found: Counters | None) -> str:
    """Which are unknown, and why."""
    if found is None:
        return "not read"
    reasons: dict[str, list[str]] = {}
    for name, why in found.unknown.items():
        reasons.setdefault(why, []).append(name)
    return "; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items()) or "all read"


def _load(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"
