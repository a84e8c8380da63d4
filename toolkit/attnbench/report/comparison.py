"""B against A, for people."""

from __future__ import annotations

import math
from collections.abc import Iterator

from attnbench.records import INSTRUCTIONS, BlockRatio, Comparison, Finding, Noise, Rounds
from attnbench.report import units
from attnbench.report.tables import ABSENT, WRONG, Heading, Mark, Row, Table
from attnbench.report.view import ROOT_NAME

CAVEAT = (
    "Instruction time counts instructions, one nanosecond each. It sees no caches and no memory: "
    "an alarm for code that became longer, never a latency, and no judge of what is faster on "
    "hardware."
)

METHOD = (
    "A and B took turns in rounds of four launches, A B B A or B A A B at random, each launch a "
    "process of its own. The ratio B / A is the Hodges-Lehmann estimate over rounds, its interval "
    "that of the exact signed-rank test at 95 %, which holds under drift and throttling, whatever "
    "the noise. Blocks are believed to differ by Benjamini and Hochberg's rule at 5 %, since many "
    "are tested; a block with a wide interval is too small for this effort."
)

WORDS = {Finding.SLOWER: "slower", Finding.FASTER: "faster", Finding.NOT_DISTINGUISHABLE: "≈"}
BOUNDS = {
    "pass": "below the limit of {}",
    "fail": f"{WRONG} above the limit of {{}}",
    "inconclusive": f"{WRONG} on both sides of the limit of {{}}: inconclusive, take more rounds",
}


def sentences(one: Comparison) -> Iterator[str]:
    """What was found, and what could have been."""
    if one.rounds is None:
        yield _counted(one)
        return
    yield _verdict(one)
    yield _power(one.rounds)


def name(one: Comparison) -> str:
    """What is held against what: `A mobilenetv2-se, B mobilenetv2-coord, 4 threads`."""
    sides = zip(("A", "B"), (one.a, one.b), one.measurements, strict=True)
    unlike = one.measurements[0].threads != one.measurements[1].threads
    return ", ".join(
        f"{letter} {artifact.recipe.name}"
        + (f" ({units.counted(m.threads, 'thread')})" if unlike else "")
        for letter, artifact, m in sides
    )


def table(one: Comparison) -> Table:
    """The whole, each block of either, and what is in none."""
    tested = one.rounds is not None
    headings = (
        Heading("block", "name"),
        *(Heading(f"{letter}, µs") for letter in ("A", "B")),
        *map(Heading, ("B - A, µs", "B / A")),
        *((Heading("95 % interval"), Heading("finding", "word")) if tested else ()),
    )
    whole = BlockRatio("inference", None, one.whole, one.finding)
    rows = [*(_row(block, tested=tested) for block in one.blocks or ())]
    rows.append(_row(whole, "sum", tested=tested))
    return Table(f"{one.a.backend}: {name(one)}", headings, tuple(rows))


def _verdict(one: Comparison) -> str:
    whole, rounds = one.whole, one.rounds
    assert whole.ratio is not None  # an inference always takes time
    assert whole.low is not None
    assert whole.high is not None
    assert rounds is not None
    span = f"{_signed(whole.low - 1)} to {_signed(whole.high - 1)}"
    if one.finding is Finding.NOT_DISTINGUISHABLE:
        said = f"A and B are not distinguishable at this effort; B against A is {span}"
    else:
        word = "slower" if one.finding is Finding.SLOWER else "faster"
        said = f"B is {units.percent(abs(whole.ratio - 1))} {word} than A, from {span}"
    times = f"{units.duration(whole.a_ns or 0)} and {units.duration(whole.b_ns or 0)}"
    bound = BOUNDS[one.outcome].format(f"{one.limit:.2%}") if one.outcome else ""
    return (
        f"{one.a.backend} on {one.device.name}: {said} (95 % interval over "
        f"{units.counted(len(rounds.orders), 'round')}; {times}){f', {bound}' if bound else ''}."
    )


def _power(rounds: Rounds) -> str:
    found = f"This effort finds a difference of {_fine(rounds.detectable)} four times in five"
    if rounds.asked is None or rounds.needed is None:
        return f"{found}."
    if rounds.needed <= len(rounds.orders):
        return f"{found}, as was asked for: {_fine(rounds.asked)}."
    seconds = rounds.needed * rounds.seconds
    return (
        f"{found}, not one of {_fine(rounds.asked)}: the budget was spent. By what was seen that "
        f"takes {rounds.needed} rounds, {_minutes(seconds)}: raise --budget."
    )


def _minutes(seconds: float) -> str:
    return units.counted(math.ceil(seconds / 60), "minute")


def _signed(share: float) -> str:
    return f"{share * 100:+.1f} %"


def _fine(share: float) -> str:
    """A percentage that may be small, to two digits."""
    return f"{share * 100:.2g} %"


def _counted(one: Comparison) -> str:
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


def _row(block: BlockRatio, mark: Mark = "plain", *, tested: bool) -> Row:
    time = block.time
    cells = [
        block.path or ROOT_NAME,
        ABSENT if time.a_ns is None else units.microseconds(time.a_ns),
        ABSENT if time.b_ns is None else units.microseconds(time.b_ns),
        f"{round(((time.b_ns or 0) - (time.a_ns or 0)) / 1e3, 1) + 0.0:+.1f}",  # never -0.0
        ABSENT if time.ratio is None else f"{time.ratio:.{3 if tested else 4}f}",
    ]
    if tested:
        unknown = time.low is None or time.high is None
        span = ABSENT if unknown else f"{time.low:.3f} to {time.high:.3f}"
        cells = [*cells, span, WORDS[block.finding] if block.finding else ABSENT]
    return Row(tuple(cells), "attention" if block.kind == "attention" else mark)


def noise_sentences(found: Noise) -> Iterator[str]:
    """What is known of a device's noise."""
    times = ", ".join(
        f"{_fine(share)} in {_minutes(float(seconds))}"
        for seconds, share in found.detectable.items()
    )
    yield (
        f"A against A on {found.device.name}: {found.alarms} false alarms in {found.experiments} "
        f"experiments of {found.rounds} rounds ({units.percent(found.rate_low)} to "
        f"{units.percent(found.rate_high)}; at most 5 % are meant to be)."
    )
    yield (
        f"Differences that are found four times in five: {times}; with {found.model}, "
        f"{found.seconds:.1f} s a round."
    )
    yield from (f"warning: {text}" for text in found.validity.warnings)


def terms(one: Comparison) -> tuple[str, str]:
    """What its numbers are, for the end of a report."""
    if one.clock == INSTRUCTIONS:
        return "Instruction time", CAVEAT
    return "Comparison", METHOD
