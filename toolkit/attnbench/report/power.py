"""What the gates of a run would have missed, as tables and in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attnbench.records import BlindSpot, BlockPower, Case, Power
from attnbench.report import units
from attnbench.report.margins import Margin, margin
from attnbench.report.tables import ABSENT, WRONG, Heading, Row, Table
from attnbench.report.view import Judged

TERM = (
    "Missing block",
    "The reference with one attention block removed (replaced by what it takes, identity) or "
    "flattened (by a fixed scale per channel), held to the limits of the gate: its error as a "
    "multiple of the limit, on each input the largest of any metric. Detectable is the smallest "
    "share of the way to identity that the gate fails, found by bisection. A blind spot is a fault "
    "that it passes: a block removed or flattened, or one of its weights doubled.",
)

SHOWN = 5
"""How many names of a list are told, and of how many inputs a table has a column."""


def found(shown: Sequence[Judged]) -> tuple[tuple[str, Power], ...]:
    """What is known of the gates, those of several artifacts that are the same under one label."""
    labels: dict[int, list[str]] = {}
    powers: list[Power] = []
    for one in shown:
        if (power := one.verdict.power) is not None:
            if power not in powers:
                powers.append(power)
            labels.setdefault(powers.index(power), []).append(one.label)
    return tuple((", ".join(labels[at]), power) for at, power in enumerate(powers))


def tables(shown: Sequence[Judged]) -> tuple[Table, ...]:
    """For each gate what it sees of each block, what each input sees, and the blind spots."""
    return tuple(
        make(label, power)
        for label, power in found(shown)
        for make in (_blocks, _inputs, _blind_spots)
    )


def summary(power: Power) -> str:
    """What a reader has to know of a gate, in one sentence."""
    if not power.blocks and not power.kept:
        return "no attention block is known, so what parity would have missed was not looked for"
    return "; ".join(_parts(power))


def _parts(power: Power) -> Iterator[str]:
    count = len(power.blocks)
    seen = sum(one.detectable is not None for one in power.blocks)
    yield f"parity would notice {seen} of {count} attention blocks gone"
    for name in _input_names(power):
        seen, limit = _seen(name, power)
        if seen < count:
            yield f"{name} alone would notice {seen}, since its limit is {limit}"
    names = [spot.path for spot in power.blind_spots]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    spots = units.counted(len(names), "blind spot") if names else "no blind spot"
    yield f"{spots}{': ' if names else ''}{', '.join(names[:SHOWN])}{more}"


def told(spot: BlindSpot) -> str:
    """What would see a blind spot."""
    if spot.seen is None:
        return "nothing that was tried"
    shown = margin(spot.seen)
    where = spot.seen.input if spot.at == "output" else f"the block's own output, {spot.seen.input}"
    return f"{where}: {spot.seen.metric} {shown.text or shown.value}"


def _blocks(label: str, power: Power) -> Table:
    names = _input_names(power)[: SHOWN - 1]
    headings = (
        Heading("block", "name"),
        *map(Heading, (*names, "fixed scale", "detectable")),
    )
    rows = (
        *(_block(one, names) for one in power.blocks),
        *(Row((path, *("" for _ in names), "", "not removable")) for path in power.kept),
    )
    title = f"A missing block's error in {label}, as a multiple of the limit"
    return Table(title, headings, rows)


def _block(one: BlockPower, names: Sequence[str]) -> Row:
    ratios = [_furthest(case for case in one.removed if case.input == name) for name in names]
    blind = one.detectable is None
    share = f"{WRONG} blind" if one.detectable is None else f"{one.detectable * 100:.2g} %"
    cells = (*map(_times, (*ratios, _furthest(one.flattened))), share)
    return Row((one.path, *cells), "bad" if blind else "plain")


def _inputs(label: str, power: Power) -> Table:
    headings = (Heading("input", "name"), Heading("limit"), Heading("blocks seen"))
    rows = tuple(_input(name, power) for name in _input_names(power))
    return Table(f"What each input of {label} sees", headings, rows)


def _input(name: str, power: Power) -> Row:
    (seen, limit), count = _seen(name, power), len(power.blocks)
    return Row((name, limit, f"{seen} of {count}"), "plain" if seen == count else "bad")


def _seen(name: str, power: Power) -> tuple[int, str]:
    """How many blocks an input shows to be gone, and the limit of its largest error."""
    of = [[case for case in one.removed if case.input == name] for one in power.blocks]
    seen = sum(any(not case.passed for case in cases) for cases in of)
    errors = (case for case in of[0] if case.metric in ("max_error", "max_abs"))
    limits = (f"{margin(case).limit} {case.unit}".rstrip() for case in errors)
    return seen, next(limits, ABSENT)


def _blind_spots(label: str, power: Power) -> Table:
    headings = (
        Heading("block or weight", "name"),
        Heading("fault", "name"),
        Heading("would be seen by", "name"),
    )
    rows = tuple(Row((spot.path, spot.fault, told(spot)), "bad") for spot in power.blind_spots)
    return Table(f"Blind spots of {label}: faults that it passes", headings, rows)


def _input_names(power: Power) -> list[str]:
    return list(dict.fromkeys(case.input for one in power.blocks for case in one.removed))


def _furthest(cases: Sequence[Case] | Iterator[Case]) -> Margin | None:
    """The case that is furthest beyond its limit, or nearest to it."""
    shown = [margin(case) for case in cases]
    return max(shown, key=_badness, default=None)


def _badness(one: Margin) -> tuple[bool, float]:
    return not one.case.passed, 0.0 if one.ratio is None else one.ratio


def _times(one: Margin | None) -> str:
    if one is None:
        return ABSENT
    return units.times(one.ratio) if one.ratio is not None else one.text or ABSENT
