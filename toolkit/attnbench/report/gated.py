"""Latency against the baseline, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from attnbench.records import Gated
from attnbench.report import units
from attnbench.report.tables import ABSENT, WRONG, Heading, Row, Table

Severity = Literal["error", "warning", "note"]


def table(shown: Sequence[Gated]) -> Table:
    """One row for each model, backend and device."""
    headings = (
        *(Heading(text, "name") for text in ("model", "runtime", "device")),
        Heading("latency", "word"),
        *map(Heading, ("baseline", "now", "now / baseline", "limit")),
        Heading("by", "name"),
    )
    return Table("Latency against the baseline", headings, tuple(map(_row, shown)))


def name(one: Gated) -> str:
    """What it is of: `coord onnx on host`."""
    return f"{one.model} {one.backend} on {one.device}"


def sentences(shown: Sequence[Gated]) -> Iterator[str]:
    """How many of each outcome, worst first."""
    found = [one.outcome for one in shown]
    counts = [
        f"{found.count(outcome)} {word}"
        for outcome, word in (("fail", "too slow"), ("inconclusive", "undecided"), ("pass", "pass"))
        if outcome in found
    ]
    if counts:
        yield f"Latency against the baseline: {', '.join(counts)}."


def notices(shown: Sequence[Gated]) -> Iterator[tuple[Severity, str, str]]:
    """Everything to know of each; what is said of one that fails is an error."""
    for one in shown:
        severity: Severity = "error" if one.outcome == "fail" else "note"
        yield from ((severity, name(one), text) for text in one.notes)


def sentence(one: Gated) -> str:
    """What came of one, in a line."""
    span = "" if _span(one) == ABSENT else f", {_span(one)} of the baseline"
    why = f": {one.notes[0]}" if one.notes else ""
    return f"latency {one.outcome}{span}, limit {1 + one.limit:.3f}{why}"


def _row(one: Gated) -> Row:
    time = one.time
    verdict = one.outcome if one else f"{WRONG} {one.outcome.upper()}"
    cells = (
        one.model,
        one.backend,
        one.device,
        verdict,
        ABSENT if time is None or time.a_ns is None else units.duration(time.a_ns),
        ABSENT if time is None or time.b_ns is None else units.duration(time.b_ns),
        _span(one),
        f"{1 + one.limit:.3f}",
        one.how,
    )
    return Row(cells, "plain" if one else "bad")


def _span(one: Gated) -> str:
    time = one.time
    if time is None or time.ratio is None:
        return ABSENT
    if time.low is None or time.high is None:
        return f"{time.ratio:.3f}"
    return f"{time.low:.3f} to {time.high:.3f}"
