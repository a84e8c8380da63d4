"""Numbers as text: the one place where integer nanoseconds become something to read."""

from __future__ import annotations

import math

INFINITY = "∞"


def duration(ns: float) -> str:
    """A time with its unit, to three significant digits: 4.19 ms, 57.3 µs, 12 ns."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        # From 999.5 the three digits would be 1000 of the smaller unit.
        if ns >= 0.9995 * size:
            return f"{_three_digits(ns / size)} {unit}"
    return f"{ns:.0f} ns"


def below(resolution_ns: int) -> str:
    """What is shown of a time that the clock could not resolve: < 1 µs."""
    unit, size = ("µs", 1000) if resolution_ns >= 1000 else ("ns", 1)
    return f"< {resolution_ns / size:g} {unit}"


def milliseconds(ns: float) -> str:
    """A time in ms without its unit, to the microsecond: 0.412."""
    return f"{ns / 1e6:.3f}"


def microseconds(ns: float) -> str:
    """A time in µs without its unit, to a tenth, so that columns align: 412.3."""
    return f"{ns / 1e3:.1f}"


def span(low_ns: float, high_ns: float) -> str:
    """Two times in the unit of the larger: 4.15 to 4.26 ms."""
    high = duration(high_ns)
    scale = {"s": 1e9, "ms": 1e6, "µs": 1e3, "ns": 1.0}[high.rpartition(" ")[2]]
    low = low_ns / scale
    return f"{_three_digits(low) if scale > 1 else f'{low:.0f}'} to {high}"


def percent(share: float) -> str:
    """A share of one as a percentage, with its sign: 31.8 %."""
    return f"{share * 100:.1f} %"


def times(ratio: float) -> str:
    """A factor: 8.4×, 120×, 1.2e+04×; infinity for an exact match."""
    if math.isinf(ratio):
        return f"{INFINITY}×"
    if ratio >= 9999.5:
        return f"{ratio:.1e}×"
    return f"{ratio:.1f}×" if ratio < 9.95 else f"{ratio:.0f}×"


def quantity(value: float, unit: str) -> str:
    """A value of a metric: decibels to a tenth, everything else to two significant digits."""
    number = f"{value:.1f}" if unit == "dB" else f"{value:.1e}"
    return f"{number} {unit}".rstrip().replace("inf", INFINITY)


def counted(number: int, noun: str) -> str:
    """A count with its noun in the right number: 1 launch, 10 launches."""
    plural = f"{noun}es" if noun.endswith(("ch", "s", "x")) else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def printable(text: str) -> str:
    """Text with line breaks and control characters made visible: names are other people's."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _three_digits(value: float) -> str:
    whole = len(str(int(value + 0.5))) if value >= 1 else 1
    return f"{value:.{max(0, 3 - whole)}f}"
