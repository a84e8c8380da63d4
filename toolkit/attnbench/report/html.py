"""The report as one page that needs nothing but itself: no network, no fonts, no other file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files

from plotly.offline import get_plotlyjs

from attnbench.report import prose, units
from attnbench.report.charts import Chart
from attnbench.report.contents import details, tables
from attnbench.report.figures import Section, sections
from attnbench.report.tables import Heading, Row, Table, trust
from attnbench.report.view import Column, columns, judged, sums
from attnbench.store import Run

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
"""Holds the browser to the promise: whatever a script on this page asks for is refused."""

LEGEND = (
    '<ul class="legend"><li class="attention">attention (hatched)</li>'
    '<li class="backbone">backbone</li><li class="residual">residual</li></ul>'
)

METHOD = "How it was measured"

SIGNS = {"error": "✗ Error", "warning": "! Warning", "note": "Note"}


def render(run: Run) -> str:
    """The whole page; equal runs give equal bytes."""
    figures, shown = sections(run), (*tables(run), *details(run))
    body = "\n".join((*_summary(run), *_figures(figures), *_tables(shown), *_method(run)))
    specs = {chart.id: chart.spec for section in figures for chart in section.shown}
    title = _text(f"attnbench: {prose.title(run)}")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{_asset("page.css")}</style>
</head>
<body>
<header>
<h1>{_text(prose.title(run))}</h1>
<p>{_text(prose.setting(run).partition(" · ")[2])}</p>
{_contents(figures, shown)}
</header>
<main>
{body}
</main>
<footer>Made by attnbench from a run of {_text(run.taken_at)}.</footer>
<script type="application/json" id="charts">{_json(specs)}</script>
<script>{get_plotlyjs()}</script>
<script>
{_asset("page.js")}</script>
</body>
</html>
"""


def _contents(figures: Sequence[Section], shown: Sequence[Table]) -> str:
    titles = {f"figures-{at}": one.title for at, one in enumerate(figures) if one.title}
    titles |= {f"table-{at}": one.title for at, one in enumerate(shown)} | {"method": METHOD}
    links = [f'<li><a href="#{at}">{_text(title)}</a></li>' for at, title in titles.items()]
    return f'<nav aria-label="On this page"><ul>{"".join(links)}</ul></nav>'


def _summary(run: Run) -> Iterator[str]:
    """What went wrong before any number, then the numbers that most people come for."""
    notices = prose.notices(run)
    if notices:
        yield '<section aria-label="Warnings"><ul class="notices">'
        for notice in notices:
            sign, subject, text = SIGNS[notice.severity], _text(notice.subject), _text(notice.text)
            yield f'<li class="{notice.severity}"><b>{sign}</b> <b>{subject}</b>: {text}</li>'
        yield "</ul></section>"
    yield '<section class="cards" aria-label="Summary">'
    verdicts = {one.label: one.word for one in judged(run)}
    yield from (_card(one, verdicts.get(one.label, "not judged")) for one in columns(run))
    yield "</section>"
    # Without measurements there are no cards, and the answer is about parity alone.
    yield from (f"<p>{_text(line)}</p>" for line in prose.answer(run) if not run.measurements)


def _card(column: Column, verdict: str) -> str:
    m, total = column.measurement, sums(column.measurement)
    facts = {"interval": units.span(m.latency_ns.low, m.latency_ns.high), "attention": "unknown"}
    if total:
        cost = units.duration(total.attention_ns)
        facts["attention"] = f"{cost}, {units.percent(total.attention_share)}"
    facts["parity"] = verdict if verdict in ("pass", "not judged") else f"✗ {verdict}"
    facts["valid"] = trust(m)
    rows = "".join(
        f"<div{_bad(value)}><dt>{name}</dt><dd>{_text(value)}</dd></div>"
        for name, value in facts.items()
    )
    median = units.duration(m.latency_ns.median)
    return (
        f'<article><h2>{_text(column.label)}</h2><p class="median">{median}</p><dl>{rows}</dl>'
        "</article>"
    )


def _figures(shown: Iterable[Section]) -> Iterator[str]:
    yield "<noscript><p>Charts need JavaScript; the tables do not.</p></noscript>"
    for at, one in enumerate(shown):
        hint = f'<p class="hint">{_text(one.hint)}</p>' if one.hint else ""
        if not one.title:
            kind = ' class="pair"' if one.form == "pair" else ""
            yield f"<section{kind}>{_each(one.shown)}{hint}</section>"
            continue
        yield f'<section id="figures-{at}"><h2>{_text(one.title)}</h2>{hint}'
        yield LEGEND if one.keyed else ""
        yield _chooser(one) if one.places else ""
        kind = "panels wide" if one.form == "pair" else "panels"
        yield f'<div class="{kind}">{_each(one.shown, level=3)}</div></section>'


def _chooser(one: Section) -> str:
    """What a script shows; without one it would do nothing."""
    options = "".join(
        f'<option value="{escape(node)}">{_text(name)}</option>'
        for node, name in one.places.items()
    )
    trees = " ".join(chart.id for chart in one.shown)
    return (
        '<label class="chooser" hidden>Show '
        f'<select aria-label="Show of {_text(one.title)}" data-trees="{trees}">{options}</select>'
        "</label>"
    )


def _each(shown: Iterable[Chart], *, level: int = 2) -> str:
    return "\n".join(
        f"<figure><figcaption><h{level}>{_text(chart.title)}</h{level}>"
        f"{LEGEND if chart.keyed else ''}</figcaption>"
        f'<div class="chart" id="{chart.id}" role="img" '
        f'aria-label="{_text(f"{chart.title}: {chart.words}")}" '
        f'style="height:{chart.height_px}px"></div></figure>'
        for chart in shown
    )


def _tables(shown: Iterable[Table]) -> Iterator[str]:
    for at, table in enumerate(shown):
        yield f'<section id="table-{at}"><h2>{_text(table.title)}</h2>'
        yield f"{_table(table)}</section>"


def _table(table: Table) -> str:
    """A table in a region that scrolls by itself, by finger or by keyboard."""
    body = "\n".join(_row(row, table.headings) for row in table.rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{_text(table.title)}">'
        f"<table><thead>{_head(table.headings)}</thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _head(headings: tuple[Heading, ...]) -> str:
    """One line, or two with the groups above."""
    if not any(heading.group for heading in headings):
        return f"<tr>{''.join(_heading(heading) for heading in headings)}</tr>"
    sizes: dict[str, int] = {}
    for heading in headings:
        sizes[heading.group] = sizes.get(heading.group, 0) + 1
    above = "".join(
        f'<th scope="colgroup" colspan="{size}">{_text(group)}</th>'
        for group, size in sizes.items()
        if group
    )
    single = "".join(_heading(h, ' rowspan="2"') for h in headings if not h.group)
    return f"<tr>{single}{above}</tr><tr>{''.join(_heading(h) for h in headings if h.group)}</tr>"


def _heading(heading: Heading, extra: str = "") -> str:
    return f'<th scope="col" class="{heading.kind}"{extra}>{_text(heading.text)}</th>'


def _row(row: Row, headings: tuple[Heading, ...]) -> str:
    mark = "◆ " if row.mark == "attention" else ""
    # A row without a name continues the one above: an empty header would name it nothing.
    kind = 'th scope="row"' if row.cells[0] else "td"
    cells = [
        f'<{kind} class="depth-{min(row.depth, 4)}"><span>{mark}{_text(row.cells[0])}</span>'
        f"</{kind[:2]}>",
        *(
            f'<td class="{heading.kind}">{_text(cell)}</td>'
            for cell, heading in zip(row.cells[1:], headings[1:], strict=True)
        ),
    ]
    return f'<tr class="{row.mark}">{"".join(cells)}</tr>'


def _method(run: Run) -> Iterator[str]:
    yield f"<section id='method'><h2>{METHOD}</h2><dl class='method'>"
    yield from (f"<dt>{_text(t)}</dt><dd>{_text(text)}</dd>" for t, text in prose.method(run))
    yield "</dl></section>"


def _bad(text: str) -> str:
    return ' class="bad"' if text.startswith("✗") else ""


def _text(text: str) -> str:
    return escape(units.printable(text))


def _json(value: object) -> str:
    """JSON inside a script element, which ends at the first `</script` whatever it is in."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")


def _asset(name: str) -> str:
    return (files("attnbench.report") / name).read_text(encoding="utf-8")
