"""What the processor's own counters say of one inference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attnbench.records import Counters, Measurement
from attnbench.report.tables import ABSENT, Heading, Row, Table
from attnbench.report.view import Column


def counters(shown: Sequence[Column]) -> Table:
    """A row for each measurement of which any counter is known."""
    names = ("cycles", "instructions", "IPC", "LLC read misses", "branch misses")
    headings = Heading("runtime", "name"), *map(Heading, names)
    found = [(column.label, column.measurement.counters) for column in shown]
    rows = tuple(_row(label, one) for label, one in found if one is not None and one.counts)
    return Table("Hardware counters of one inference", headings, rows)


def terms(shown: Sequence[Measurement]) -> Iterator[tuple[str, str]]:
    """What the table's numbers are, where there are any."""
    if any(m.counters and m.counters.counts for m in shown):
        yield (
            "Hardware counters",
            "Of the processor, in user mode, over all timed inferences of a launch and what feeds "
            "them; the median over launches. IPC is instructions per cycle, LLC the last cache. "
            "A counter that the machine or its kernel does not offer is unknown, and so is one "
            "that counted for a part of the time only.",
        )


def _row(label: str, one: Counters) -> Row:
    cycles, instructions = one.counts.get("cycles"), one.counts.get("instructions")
    per_cycle = f"{instructions / cycles:.2f}" if cycles and instructions else ABSENT
    misses = (one.counts.get(name) for name in ("llc_read_misses", "branch_misses"))
    texts = (_count(cycles), _count(instructions), per_cycle, *map(_count, misses))
    return Row((label, *texts))


def _count(number: float | None) -> str:
    if number is None:
        return ABSENT
    return f"{number:,.0f}" if number >= 1 else "< 1"
