"""The report as GitHub Markdown, to paste into an issue or a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attnbench.report import prose, units
from attnbench.report.contents import details, tables
from attnbench.report.tables import Heading, Row, Table
from attnbench.store import Run

SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&$])")
"""What GitHub could take for markup inside a line, including cell borders."""

SEVERITIES = {"error": "CAUTION", "warning": "WARNING", "note": "NOTE"}


def render(run: Run) -> str:
    """The whole report, ending in a newline."""
    return "\n\n".join(_parts(run)) + "\n"


def _parts(run: Run) -> Iterator[str]:
    yield f"# attnbench: {_escape(prose.title(run))}"
    yield _escape(prose.setting(run))
    yield "\n".join(f"- {_escape(sentence)}" for sentence in prose.answer(run)) or "Nothing."
    for notice in prose.notices(run):
        yield f"> [!{SEVERITIES[notice.severity]}]\n> {_escape(f'{notice.subject}: {notice.text}')}"
    for table in tables(run):
        yield f"## {_escape(table.title)}"
        yield _table(table)
    for table in details(run):
        yield f"## {_escape(table.title)}"
        yield _table(table)
    yield "## How it was measured"
    yield "\n".join(f"- **{term}**: {_escape(text)}" for term, text in prose.method(run))


def _table(table: Table) -> str:
    head = [_escape(_heading(heading)) for heading in table.headings]
    rule = ["---:" if heading.numeric else ":---" for heading in table.headings]
    return "\n".join(_line(cells) for cells in (head, rule, *map(_cells, table.rows)))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _heading(heading: Heading) -> str:
    return f"{heading.group} {heading.text}".strip()


def _cells(row: Row) -> list[str]:
    """Attention is marked, sums are bold, and what is inside of something else is indented."""
    cells = [_escape(cell) for cell in row.cells]
    cells[0] = f"{'&emsp;' * row.depth}{'◆ ' * (row.mark == 'attention')}{cells[0]}"
    if row.mark == "sum":
        cells = [f"**{cell}**" if cell else "" for cell in cells]
    return cells


def _escape(text: str) -> str:
    return SPECIAL.sub(r"\\\1", units.printable(text))
