"""
A run as Chrome's trace events, which ui.perfetto.dev and chrome://tracing open.

Source: the Chromium project's "Trace Event Format": complete events "X" and metadata "M".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from attnbench.records import Measurement, is_inside
from attnbench.report.view import ROOT_NAME, Column, every_column
from attnbench.store import Run

Event = dict[str, Any]

INFERENCE, LAUNCHES = 1, 10
"""Numbers of threads: that of the traced inference, and the first of those of the launches."""


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of the traced inference, and the blocks around it from the outside in."""

    name: str
    around: tuple[str, ...]
    ns: int
    facts: dict[str, str]


def render(run: Run) -> str:
    """
    The whole run, one process for each measurement.

    Its first thread is the mean traced inference, operators inside of their blocks; further ones
    are the launches, inference by inference. Records hold durations and no starts: everything is
    laid end to end, and the threads' names say so.
    """
    events = [
        event
        for process, column in enumerate(every_column(run), 1)
        for event in _process(process, column)
    ]
    # It has to begin with the brace and the key: by these it is recognised.
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ns"}, allow_nan=False)


def _process(process: int, column: Column) -> Iterator[Event]:
    m = column.measurement
    name = f"{column.label}: {m.artifact.recipe.name} on {m.device.name}"
    yield _named("process_name", process, 0, name)
    yield _named("thread_name", process, INFERENCE, "mean traced inference, laid end to end")
    yield from _inference(process, _steps(m))
    for at, run in enumerate(m.runs):
        yield _named("thread_name", process, LAUNCHES + at, f"launch {at + 1}, laid end to end")
        warmup = m.warmup_runs[at] if at < len(m.warmup_runs) else ()
        names = ["warm-up"] * len(warmup) + ["inference"] * len(run)
        start_ns = 0
        for what, ns in zip(names, (*warmup, *run), strict=True):
            yield _slice(process, LAUNCHES + at, what, start_ns, ns, {})
            start_ns += ns


def _steps(m: Measurement) -> list[Step]:
    """The operators in their order; blocks and residual where operators are not known."""
    paths = [block.path for block in m.blocks or ()]
    if m.operators:
        return [
            Step(
                one.kind,
                _around(one.block, paths),
                one.ns,
                {"name": one.name, "block": one.block or "", "residual": one.residual or ""},
            )
            for one in m.operators
        ]
    own = [Step("(own)", _around(one.path, paths), one.ns, {}) for one in m.blocks or ()]
    spent = asdict(m.residual) if m.residual else {}
    return [*own, *(Step(key, (), ns, {}) for key, ns in spent.items())]


def _around(path: str | None, paths: Sequence[str]) -> tuple[str, ...]:
    """The blocks that a block is in, from the outside in, and itself."""
    if path is None:
        return ()
    around = sorted((one for one in paths if one and is_inside(path, one)), key=len)
    return tuple(around) or (ROOT_NAME,)


def _inference(process: int, steps: Iterable[Step]) -> Iterator[Event]:
    """Each step, and each block for as long as steps inside of it follow each other."""
    open_since: list[tuple[str, int]] = []
    now_ns = 0
    for step in (*(one for one in steps if one.ns), Step("", (), 0, {})):
        while (
            open_since and tuple(name for name, _ in open_since) != step.around[: len(open_since)]
        ):
            name, since_ns = open_since.pop()
            yield _slice(process, INFERENCE, name, since_ns, now_ns - since_ns, {})
        open_since += [(name, now_ns) for name in step.around[len(open_since) :]]
        if step.ns:
            yield _slice(process, INFERENCE, step.name, now_ns, step.ns, step.facts)
        now_ns += step.ns


def _slice(
    process: int, thread: int, name: str, start_ns: int, ns: int, facts: dict[str, str]
) -> Event:
    times = {"ts": start_ns / 1e3, "dur": ns / 1e3}  # the format's unit is a microsecond
    told = {key: value for key, value in facts.items() if value}
    return {"ph": "X", "pid": process, "tid": thread, "name": name} | times | {"args": told}


def _named(what: str, process: int, thread: int, name: str) -> Event:
    return {"ph": "M", "pid": process, "tid": thread, "name": what, "args": {"name": name}}
