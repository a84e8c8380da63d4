"""What attention costs, for people: two ways, the blocks beside their paper, their operators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attnbench.records import INSTRUCTIONS, Measurement, OperatorTime
from attnbench.records.costs import AttentionCost, BlockCost, Estimate, Footprint, Shift
from attnbench.report import units
from attnbench.report.tables import ABSENT, WRONG, Heading, Mark, Row, Table
from attnbench.report.view import ROOT_NAME

METHOD = (
    "By ablation: the model with attention less the model without, in plain launches that took "
    "turns (docs/statistics.md). By attribution: the exclusive times of the attention blocks in "
    "traced launches. Both are Hodges-Lehmann estimates over rounds with the interval of the exact "
    "signed-rank test at 95 %, and so is the gap between them, round by round: the two agree if "
    "its interval has 0 in it. What else the gap is made of is time that the rest of the model "
    "takes more or less because attention is there: other fusions, other layouts."
)

PAPER = (
    "MACs are of convolutions and matrix products. Traffic is what a block's operators read and "
    "write, weights included, in the module's own graph with elementwise work fused into what made "
    "its tensor; peak is the most that activations take at once. The roof is the time that the "
    "device's own peaks allow: 2 MACs at its float32 rate, or the traffic at its memory's, "
    "whichever is longer (Williams, Waterman & Patterson 2009); “35 m” says that the memory alone "
    "would need 35 % of the block's time, “c” that it is the computing. A block above 100 % works "
    "on what is still in a cache."
)


def sentences(one: AttentionCost) -> Iterator[str]:
    """What was found, in both ways; whether they agree; and what paper would have said."""
    where = f"{one.comparison.a.backend} on {one.comparison.device.name}"
    without = one.comparison.whole.a_ns or 1
    share = units.percent(one.ablation.ns / without)
    kind = " of instruction time" if one.comparison.clock == INSTRUCTIONS else ""
    yield (
        f"{where}: attention costs {_signed(one.ablation)}{kind} by ablation, {share} on top of "
        f"{units.duration(without)} without it."
    )
    if one.attribution is None or one.gap is None:
        yield f"{where}: there is no second way: time could not be mapped to blocks."
        return
    yield f"By attribution its blocks take {_signed(one.attribution)}: {_agreement(one)}"
    yield _on_paper(one)


def _agreement(one: AttentionCost) -> str:
    assert one.gap is not None  # there is an attribution
    if one.agree:
        return f"the two ways agree; the gap is {_signed(one.gap)}."
    parts = [
        f"{shift.where or ROOT_NAME} {_short(shift.change)}"
        for shift in one.shifts
        if shift.believed
    ]
    found = f"; the rest of the model changed too: {', '.join(parts)}" if parts else ""
    return f"{WRONG} the two ways differ by {_signed(one.gap)}{found}."


def _on_paper(one: AttentionCost) -> str:
    shares = [attention_part(one, key) for key in ("macs", "parameters", "traffic_bytes")]
    return (
        f"On paper attention is {units.percent(shares[0])} of the MACs, {units.percent(shares[1])} "
        f"of the parameters and {units.percent(shares[2])} of the memory traffic; in fact it is "
        f"{units.percent(attention_part(one, None))} of the blocks' time."
    )


def attention_part(one: AttentionCost, key: str | None) -> float:
    """Attention's part of all blocks, by a number of the footprint or, with None, by time."""
    spent = {"attention": 0, "backbone": 0}
    for block in one.blocks:
        found = block.time.ns if key is None else getattr(block.footprint, key, 0)
        spent[block.kind] += found
    return spent["attention"] / (sum(spent.values()) or 1)


def tables(one: AttentionCost) -> Iterator[Table]:
    """Both ways, and each block; the operators that attention is made of."""
    yield _ways(one)
    if one.blocks:
        yield _blocks(one)
        yield _operators(one)


def _ways(one: AttentionCost) -> Table:
    headings = (Heading("", "name"), *map(Heading, ("µs", "95 % interval")), Heading("", "name"))
    whole = one.comparison.whole
    rows = [
        Row(("without attention", units.microseconds(whole.a_ns or 0), "", "")),
        Row(("with attention", units.microseconds(whole.b_ns or 0), "", "")),
        _way("ablation", one.ablation, "with less without, in turn", "sum"),
    ]
    if one.attribution and one.gap and one.rest:
        rows += [
            _way("attribution", one.attribution, "the attention blocks' own time", "sum"),
            _way("gap", one.gap, "" if one.agree else f"{WRONG} they differ", "sum"),
            *(_shift(shift) for shift in one.shifts if shift.believed),
            _way("of other blocks and residual", _others(one.shifts), "each may be chance"),
            _way("in neither trace", one.rest, ""),
        ]
    block = one.comparison.b.recipe.name
    return Table(
        f"{one.comparison.a.backend}: what {block} pays for attention", headings, tuple(rows)
    )


def _way(name: str, found: Estimate, words: str, mark: Mark = "plain") -> Row:
    return Row((name, _micro(found.ns), _span(found), words), mark, 0 if mark == "sum" else 1)


def _shift(one: Shift) -> Row:
    kinds = ", ".join(f"{more:+d} {kind}" for kind, more in one.operators.items())
    return _way(one.where or ROOT_NAME, one.change, kinds)


def _others(shifts: Sequence[Shift]) -> Estimate:
    return Estimate(sum(one.change.ns for one in shifts if not one.believed))


def _blocks(one: AttentionCost) -> Table:
    headings = (
        Heading("block", "name"),
        *(Heading(text, group="time") for text in ("µs", "%")),
        *(Heading(text, group="MACs") for text in ("thousand", "%")),
        *map(Heading, ("kparams", "kB", "peak kB", "roof %")),
    )
    total = sum(block.time.ns for block in one.blocks) or 1
    macs = one.totals[1].macs or 1
    rows = [_block(block, total, macs) for block in one.blocks]
    title = f"{one.comparison.a.backend}: each block in fact, on paper, and against the roof"
    return Table(title, headings, tuple(rows))


def _block(block: BlockCost, total_ns: int, macs: int) -> Row:
    cells = (
        block.path or ROOT_NAME,
        units.microseconds(block.time.ns),
        f"{block.time.ns / total_ns * 100:.1f}",
        *_paper(block.footprint, macs),
        _roof(block),
    )
    return Row(cells, "attention" if block.kind == "attention" else "plain")


def _paper(found: Footprint | None, macs: int) -> tuple[str, ...]:
    if found is None:
        return (ABSENT,) * 5
    return (
        f"{found.macs / 1e3:.0f}",
        f"{found.macs / macs * 100:.1f}",
        f"{found.parameters / 1e3:.1f}",
        f"{found.traffic_bytes / 1e3:.0f}",
        f"{found.peak_bytes / 1e3:.0f}",
    )


def _roof(block: BlockCost) -> str:
    """How near to what the peaks allow, and which of the two it is: `35 m` is the memory's."""
    if block.roof_ns is None or block.bound is None or block.time.ns <= 0:
        return ABSENT
    return f"{block.roof_ns / block.time.ns * 100:.0f} {block.bound[0]}"


def _operators(one: AttentionCost) -> Table:
    """The kinds that the attention blocks are made of, the dearest first."""
    attention = {block.path for block in one.blocks if block.kind == "attention"}
    spent: dict[str, list[OperatorTime]] = {}
    for operator in _ran(one.comparison.measurements[1]):
        if operator.block in attention:
            spent.setdefault(operator.kind, []).append(operator)
    ns = {kind: sum(each.ns for each in found) for kind, found in spent.items()}
    total = sum(ns.values()) or 1
    rows = tuple(
        Row(
            (
                kind,
                str(len(spent[kind])),
                units.microseconds(ns[kind]),
                f"{ns[kind] / total * 100:.1f}",
                max(spent[kind], key=lambda each: each.ns).block or "",
            )
        )
        for kind in sorted(ns, key=lambda kind: -ns[kind])
    )
    headings = (
        Heading("operator", "name"),
        *map(Heading, ("count", "µs", "%")),
        Heading("dearest in", "name"),
    )
    title = f"{one.comparison.a.backend}: the operators that attention is made of"
    return Table(title, headings, rows)


def _ran(m: Measurement) -> Sequence[OperatorTime]:
    return m.operators


def notices(one: AttentionCost) -> Iterator[str]:
    """What is missing from it."""
    if one.ceiling is None:
        yield f"no roofline: {one.no_ceiling}"
    yield from one.notes


def terms(one: AttentionCost) -> Iterator[tuple[str, str]]:
    """What its numbers are, for the end of a report."""
    yield "Attention's cost", METHOD
    peaks = one.ceiling
    found = (
        f" Peaks of {units.counted(peaks.threads, 'thread')}: {peaks.fp32_gflop_s:.1f} GFLOP/s "
        f"({peaks.simd}), {peaks.gb_s:.1f} GB/s; {peaks.source}."
        if peaks
        else ""
    )
    yield "Paper and roof", f"{PAPER}{found}"


def _signed(found: Estimate) -> str:
    """`1.13 ms (1.10 to 1.16 ms)`, with a minus where it is one."""
    return (
        f"{signed_time(found.ns)} ({_ends(found)})"
        if found.low_ns is not None
        else signed_time(found.ns)
    )


def _short(found: Estimate) -> str:
    return f"{'+' if found.ns > 0 else ''}{signed_time(found.ns)}"


def signed_time(ns: int) -> str:
    """A time that may be negative, with its unit."""
    return f"{'-' if ns < 0 else ''}{units.duration(abs(ns))}"


def _ends(found: Estimate) -> str:
    assert found.low_ns is not None
    assert found.high_ns is not None
    if found.low_ns > 0:
        return units.span(found.low_ns, found.high_ns)
    return f"{signed_time(found.low_ns)} to {signed_time(found.high_ns)}"


def _micro(ns: int) -> str:
    return f"{ns / 1e3 + 0.0:.1f}"


def _span(found: Estimate) -> str:
    if found.low_ns is None or found.high_ns is None:
        return ABSENT
    return f"{_micro(found.low_ns)} to {_micro(found.high_ns)}"
