"""B against A, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attnbench.records import BlockRatio, Comparison
from attnbench.report import units
from attnbench.report.tables import ABSENT, WRONG, Heading, Mark, Row, Table
from attnbench.report.view import ROOT_NAME

CAVEAT = (
    "Instruction time counts instructions, one nanosecond each. It sees no caches and no memory: "
    "an alarm for code that became longer, never a latency, and no judge of what is faster on "
    "hardware."
)


def sentences(shown: Sequence[Comparison]) -> Iterator[str]:
    """One for each comparison, what is odd about it, and what all of this is worth."""
    for one in shown:
        yield _verdict(one)
        yield from (f"{one.a.backend}: {note}" for note in one.notes)
    yield CAVEAT


def table(one: Comparison) -> Table:
    """The whole, each block of either, and what is in none."""
    headings = (
        Heading("block", "name"),
        *(Heading(f"{name}, µs") for name in ("A", "B")),
        *map(Heading, ("B - A, µs", "B / A")),
    )
    rows = [_row(block) for block in one.blocks or ()]
    whole = BlockRatio("inference", None, one.whole)
    return Table(
        f"{one.a.backend}: A is {one.a.recipe.name}, B is {one.b.recipe.name}",
        headings,
        (*rows, _row(whole, "sum")),
    )


def _verdict(one: Comparison) -> str:
    a_ns, b_ns, ratio = one.whole.a_ns, one.whole.b_ns, one.whole.ratio
    assert a_ns is not None  # an inference always takes time
    assert b_ns is not None
    assert ratio is not None
    change = f"{abs(ratio - 1):.2%} {'more' if ratio >= 1 else 'less'}"
    bound = "within" if one else f"{WRONG} above"
    return (
        f"{one.a.backend} on {one.device.name}: B executes {change} than A "
        f"({units.duration(a_ns)} to {units.duration(b_ns)} of instruction time), {bound} "
        f"the limit of {one.limit:.2%}."
    )


def _row(block: BlockRatio, mark: Mark = "plain") -> Row:
    a_ns, b_ns, ratio = block.time.a_ns, block.time.b_ns, block.time.ratio
    cells = (
        block.path or ROOT_NAME,
        ABSENT if a_ns is None else units.microseconds(a_ns),
        ABSENT if b_ns is None else units.microseconds(b_ns),
        f"{((b_ns or 0) - (a_ns or 0)) / 1e3:+.1f}",
        ABSENT if ratio is None else f"{ratio:.4f}",
    )
    return Row(cells, "attention" if block.kind == "attention" else mark)
