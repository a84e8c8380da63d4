"""What was seen of the device before, during and after each measurement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attnbench.records import Measurement, Reading
from attnbench.report.tables import ABSENT, Heading, Row, Table
from attnbench.report.view import Column

Cell = Callable[[Sequence[Reading], Sequence[int]], str]
"""The text for some readings and the processors that were used; "" if they do not tell."""


def conditions(shown: Sequence[Column]) -> Table:
    """One row for each thing that any reading tells; the host has no readings."""
    headings = (
        Heading("runtime", "name"),
        Heading("reading", "word"),
        *(Heading(when, "name") for when in ("before", "during", "after")),
    )
    rows = [row for column in shown for row in _rows(column)]
    return Table("Conditions on the device", headings, tuple(rows))


def _rows(column: Column) -> list[Row]:
    m = column.measurement
    moments = _moments(m)
    cells = {name: [cell(one, m.cpus) for one in moments] for name, cell in CELLS.items()}
    told = {name: texts for name, texts in cells.items() if any(texts)}
    return [
        Row((column.label if at == 0 else "", name, *(text or ABSENT for text in texts)))
        for at, (name, texts) in enumerate(told.items())
    ]


def _moments(m: Measurement) -> tuple[Sequence[Reading], ...]:
    before, after = m.conditions.before, m.conditions.after
    return ([before] if before else [], m.conditions.during, [after] if after else [])


def _range(values: Iterable[float | None], unit: str, digits: int = 0) -> str:
    """`45.2 to 47.0 °C`, or one number if they are all shown alike."""
    texts = [f"{one:.{digits}f}" for one in sorted(one for one in values if one is not None)]
    if not texts:
        return ""
    span = texts[0] if texts[0] == texts[-1] else f"{texts[0]} to {texts[-1]}"
    return f"{span} {unit}".rstrip()


def _each(values: Iterable[str | None]) -> str:
    return ", ".join(dict.fromkeys(one for one in values if one is not None))


def _temperature(seen: Sequence[Reading], _cpus: Sequence[int]) -> str:
    return _range((one.temperature_c for one in seen), "°C", 1)


def _clock(seen: Sequence[Reading], cpus: Sequence[int]) -> str:
    return _range(
        (
            khz / 1000
            for one in seen
            for cpu, khz in (one.frequency_khz or {}).items()
            if int(cpu) in cpus
        ),
        "MHz",
    )


def _governor(seen: Sequence[Reading], _cpus: Sequence[int]) -> str:
    return _each(one.governor for one in seen)


def _throttled(seen: Sequence[Reading], _cpus: Sequence[int]) -> str:
    told = [one.throttled for one in seen if one.throttled is not None]
    return (_each(sign for one in told for sign in one) or "no") if told else ""


def _load(seen: Sequence[Reading], _cpus: Sequence[int]) -> str:
    return _range((one.load for one in seen), "", 2)


def _cpuset(seen: Sequence[Reading], _cpus: Sequence[int]) -> str:
    return _each(one.cpuset for one in seen)


def _processor(seen: Sequence[Reading], _cpus: Sequence[int]) -> str:
    return _range((one.cpu for one in seen), "")


def _battery(seen: Sequence[Reading], _cpus: Sequence[int]) -> str:
    words = {True: "charging", False: "not charging", None: None}
    level = _range((one.battery_percent for one in seen), "%")
    return _each([level or None, *(words[one.charging] for one in seen)])


def _screen(seen: Sequence[Reading], _cpus: Sequence[int]) -> str:
    words = {True: "on", False: "off", None: None}
    return _each(words[one.screen_on] for one in seen)


CELLS: dict[str, Cell] = {
    "temperature": _temperature,
    "clock": _clock,
    "governor": _governor,
    "held back": _throttled,
    "load": _load,
    "cpuset": _cpuset,
    "processor": _processor,
    "battery": _battery,
    "screen": _screen,
}
