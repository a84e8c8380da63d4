"""A published table beside what is found here, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attnbench.records.papers import Agreement, Claim, LatencyHere, PaperRow, PaperTable
from attnbench.report import sweep, units
from attnbench.report.tables import ABSENT, WRONG, Heading, Row, Table
from attnbench.report.view import distinct

NOT_FOUND = "not found"

NAMES = {"parameters": "parameters", "macs": "MACs"}

METHOD = (
    "Equal: to the unit. Within rounding: no further from it than half of what the published "
    "number is rounded to. Not published: no number was found in a source that could be read. "
    "Other device: a latency is judged on the device and in the runtime that the paper names "
    "alone. MACs are of convolutions and matrix products; other people's counts may include "
    "normalisation or activations."
)


def sentences(one: PaperTable) -> Iterator[str]:
    """How many of its numbers hold."""
    found = Counter(claim.agreement for claim in _claims(one))
    said = ", ".join(f"{word.value} {found[word]}" for word in Agreement if found[word])
    yield f"{one.title} ({one.source}): {said}."


def _claims(one: PaperTable) -> Iterator[Claim]:
    for row in one.rows:
        yield from (row.parameters, row.macs, *(each.claim for each in row.latencies))


def tables(one: PaperTable) -> Iterator[Table]:
    """Every number of every row; the sweep that latencies are from."""
    headings = (
        Heading("row", "name"),
        Heading("", "word"),
        Heading("published", "name"),
        Heading("here"),
        Heading("verdict", "word"),
    )
    rows = tuple(line for row in one.rows for line in _rows(row))
    yield Table(f"{one.name}: as published, and here", headings, rows)
    if one.sweep is not None:
        yield from sweep.tables(one.sweep)


def _rows(row: PaperRow) -> Iterator[Row]:
    yield _count(row.name, row.parameters)
    yield _count("", row.macs)
    yield from (_latency(one) for one in row.latencies)
    if row.quality is not None:
        yield Row(("", "accuracy", row.quality, ABSENT, "not judged"))


def _count(name: str, claim: Claim) -> Row:
    here = ABSENT if claim.here is None else f"{claim.here:,.0f}"
    return _row((name, NAMES[claim.quantity], claim.published or NOT_FOUND, here), claim)


def _latency(one: LatencyHere) -> Row:
    found = one.latency_ns
    here = units.duration(found.median)
    if found.low < found.high:
        here += f" ({units.span(found.low, found.high)})"
    published = one.claim.published or NOT_FOUND
    return _row(("", f"latency, {one.backend}", published, here), one.claim)


def _row(cells: tuple[str, ...], claim: Claim) -> Row:
    wrong = claim.agreement is Agreement.DIFFERS
    verdict = f"{WRONG} {claim.agreement.value}" if wrong else claim.agreement.value
    return Row((*cells, verdict), "bad" if wrong else "plain")


def notices(one: PaperTable) -> Iterator[tuple[str, str]]:
    """What is known of numbers that differ, and what is wrong with the latencies."""
    for note in distinct(row.note for row in one.rows if row.note):
        yield ", ".join(row.name for row in one.rows if row.note == note), note
    if one.sweep is not None:
        yield from sweep.notices(one.sweep)


def title(one: PaperTable) -> str:
    """Which table, and where."""
    return f"{one.name} on {one.device.name}" if one.device else one.name
