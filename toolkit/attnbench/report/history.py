"""What became of a model's latency over time, for people: one chart for each environment."""

from __future__ import annotations

from collections.abc import Iterator

from attnbench.records.histories import Environment, History, Point, Stretch
from attnbench.report import units
from attnbench.report.tables import ABSENT, WRONG, Heading, Row, Table

CHART = 14
"""Characters of an interval's chart."""

METHOD = (
    "Each line is a stored measurement with its interval over launches, drawn on one scale for "
    "each environment: device, runtime and its libraries, clock, threads, processors, governor and "
    "what the profile asks for. Nothing is held against a measurement of another environment. "
    "Those of one were not made in turn either: a change whose intervals are apart (*) may be the "
    "hour's. `attnbench compare` of the two artifacts says."
)


def sentences(one: History) -> Iterator[str]:
    """How much there is, and in how many environments."""
    count = sum(len(stretch.points) for stretch in one.stretches)
    line = f"{name(one)}: {units.counted(count, 'measurement')}"
    if len(one.stretches) == 1:
        yield f"{line} in one environment."
        return
    yield f"{line} in {len(one.stretches)} environments, which are not held against each other:"
    for at, found in enumerate(one.differences, 2):
        yield f"environment {at} is not as {at - 1}: {'; '.join(found)}"


def name(one: History) -> str:
    """`mobilenetv2-coord reduction=8, 224×224, onnx, on pixel4`."""
    recipe = one.recipe
    options = [f"{key}={value}" for key, value in recipe.options.items()]
    model = " ".join((recipe.name, *options))
    return f"{model}, {recipe.size[0]}×{recipe.size[1]}, {one.backend}, on {one.device}"


def tables(one: History) -> Iterator[Table]:
    """One for each environment."""
    for at, stretch in enumerate(one.stretches, 1):
        which = f", environment {at}" if len(one.stretches) > 1 else ""
        yield _table(f"{name(one)}{which}: {_environment(stretch.environment)}", stretch)


def _environment(env: Environment) -> str:
    facts = [
        f"{env.engine} {env.engine_version}",
        units.counted(env.threads, "thread"),
        f"clock {env.clock}",
        f"governor {env.governor or 'unknown'}",
    ]
    return ", ".join(facts)


def _table(title: str, stretch: Stretch) -> Table:
    headings = (
        Heading("taken", "word"),
        Heading("ms"),
        Heading("interval"),
        Heading("", "word"),
        Heading("change"),
        Heading("valid", "word"),
        Heading("artifact", "word"),
    )
    low = min(one.latency_ns.low for one in stretch.points)
    high = max(one.latency_ns.high for one in stretch.points)
    return Table(title, headings, tuple(_row(one, low, high) for one in stretch.points))


def _row(one: Point, low: int, high: int) -> Row:
    latency = one.latency_ns
    change = ABSENT if one.change is None else f"{one.change * 100:+.1f} %{'*' * bool(one.apart)}"
    cells = (
        one.taken_at[:16].replace("T", " "),
        units.milliseconds(latency.median),
        f"{units.milliseconds(latency.low)} to {units.milliseconds(latency.high)}",
        drawn(one, low, high),
        change,
        "yes" if one.ok else f"{WRONG} no",
        one.sha256[:7],
    )
    return Row(cells, "plain" if one.ok else "bad")


def drawn(one: Point, low: int, high: int) -> str:
    """An interval with its median, on a scale from `low` to `high`: `   ├──●─┤  `."""
    latency = one.latency_ns
    left, dot, right = (
        round((ns - low) / max(high - low, 1) * (CHART - 1))
        for ns in (latency.low, latency.median, latency.high)
    )
    line = [" "] * CHART
    line[left : right + 1] = "─" * (right + 1 - left)
    line[left], line[right] = "├", "┤"
    line[dot] = "●"
    return "".join(line)
