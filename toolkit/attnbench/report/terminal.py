"""The report in a terminal; every mark is text, so that it reads the same without colour."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from attnbench.report import prose, units
from attnbench.report.contents import tables
from attnbench.report.tables import Heading, Mark, Row, Table
from attnbench.store import Run

STYLES: dict[Mark, str] = {"plain": "", "attention": "magenta", "sum": "bold", "bad": "bold red"}
SEVERITIES = {"error": "bold red", "warning": "yellow", "note": "dim"}
ATTENTION = "◆ "


def render(run: Run, width: int) -> RenderableType:
    """The whole report for so many columns: setting, answer, tables, and what is wrong."""
    return Group(*_parts(run, width))


def _parts(run: Run, width: int) -> Iterator[RenderableType]:
    yield _text(prose.setting(run), "bold")
    for sentence in prose.answer(run):
        yield Padding(_text(sentence), (0, 0, 0, 2), expand=False)
    for table in tables(run):
        yield Text()
        yield from _table(table, width)
    notices = prose.notices(run)
    if notices:
        yield Text()
    for notice in notices:
        style = SEVERITIES[notice.severity]
        yield Text.assemble((notice.severity, style), _text(f": {notice.subject}: {notice.text}"))


def _table(table: Table, width: int) -> Iterator[RenderableType]:
    """A title, and a grid with a rule below the headings and above the sums, no vertical lines."""
    marked = any(row.mark == "attention" for row in table.rows)
    yield _text(f"{table.title}{f' ({ATTENTION}attention)' if marked else ''}", "bold")
    # The rule between columns is a space already; a second one where there is room for it.
    roomy = _width(table) + 2 * len(table.headings) <= width
    padding = (0, 1, 0, 0) if roomy else 0
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=padding)
    for heading in table.headings:
        _add_column(grid, heading)
    first_sum = next((i for i, row in enumerate(table.rows) if row.mark == "sum"), 0)
    for i, row in enumerate(table.rows):
        cells = (_text(cell) for cell in (_name(row, marked=marked), *row.cells[1:]))
        grid.add_row(*cells, style=STYLES[row.mark], end_section=i == first_sum - 1)
    yield grid


def _width(table: Table) -> int:
    """Characters of the longest cells, side by side."""
    lines = [[heading.text for heading in table.headings], *(row.cells for row in table.rows)]
    return sum(max(cell_len(line[i]) for line in lines) for i in range(len(table.headings)))


def _add_column(grid: Grid, heading: Heading) -> None:
    # Only one of a pair under a group carries its name, or the pair would be twice as wide.
    group = heading.group if heading.text != "%" else ""
    label = Text("\n").join(map(_text, (group, heading.text) if heading.group else (heading.text,)))
    if heading.numeric:  # a number that is broken over two lines is misread; a name is not
        grid.add_column(label, justify="right", no_wrap=True)
    else:
        grid.add_column(label, overflow="fold", no_wrap=heading.kind == "word")


def _name(row: Row, *, marked: bool) -> str:
    mark = (ATTENTION if row.mark == "attention" else "  ") if marked else ""
    return f"{mark}{'  ' * row.depth}{row.cells[0]}"


def _text(text: str, style: str = "") -> Text:
    return Text(units.printable(text), style=style)
