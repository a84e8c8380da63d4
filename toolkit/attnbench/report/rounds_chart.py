"""The chart of a comparison's rounds in their order: both models' launches, and B over A below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from attnbench.records import Comparison
from attnbench.report import units
from attnbench.report.charts import AXIS, BACKBONE, BAD, INK, MUTED, Chart, Spec, plotly_frame
from attnbench.stats.paired import score

HEIGHT_PX = 420
LAUNCHES, RATIOS = [0.5, 1.0], [0.0, 0.42]
"""The parts of the height for the launches and for the ratios below them."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round: its order, and the median of each of its four launches in ns."""

    order: str
    times_ns: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """B over A, as the test sees it."""
        return math.exp(score(self.order, self.times_ns))


def rounds(one: Comparison) -> tuple[Round, ...]:
    """The rounds in their order; () in instruction time."""
    if one.rounds is None:
        return ()
    medians = [[median(run) for run in m.runs] for m in one.measurements]
    turns = dict(zip("AB", map(iter, medians), strict=True))
    return tuple(
        Round(order, tuple(next(turns[letter]) for letter in order)) for order in one.rounds.orders
    )


def round_chart(one: Comparison, name: str) -> Chart | None:
    """Launches and ratios over the rounds; None in instruction time."""
    found = rounds(one)
    if not found:
        return None
    data = [*(_launches(found, letter) for letter in "AB"), _ratios(found)]
    layout = plotly_frame(HEIGHT_PX) | {
        "margin": {"l": 56, "r": 8, "t": 8, "b": 44},
        "xaxis": AXIS
        | {
            "range": [0, len(found)],
            "anchor": "y2",
            "nticks": 10,
            "title": {"text": "round", "standoff": 6},
        },
        "yaxis": AXIS | {"domain": LAUNCHES, "nticks": 6, "title": {"text": "ms", "standoff": 4}},
        "yaxis2": AXIS | {"domain": RATIOS, "nticks": 6, "title": {"text": "B / A", "standoff": 4}},
        "shapes": _lines(one),
    }
    above = sum(turn.ratio > 1 for turn in found)
    words = f"B is slower in {above} of {units.counted(len(found), 'round')}"
    title = f"{one.a.backend}: launches and B / A in the order of the rounds"
    return Chart(name, title, words, HEIGHT_PX, {"data": data, "layout": layout})


def _launches(found: Sequence[Round], letter: str) -> Spec:
    drawn = [
        (at + (i + 0.5) / len(turn.order), ns / 1e6)
        for at, turn in enumerate(found)
        for i, (who, ns) in enumerate(zip(turn.order, turn.times_ns, strict=True))
        if who == letter
    ]
    symbol = "circle-open" if letter == "A" else "circle"
    return {
        "type": "scatter",
        "mode": "markers",
        "name": letter,
        "x": [at for at, _ in drawn],
        "y": [ms for _, ms in drawn],
        "hovertemplate": f"{letter}: %{{y:.4g}} ms<extra></extra>",
        "marker": {"size": 8, "symbol": symbol, "color": INK if letter == "A" else BACKBONE},
    }


def _ratios(found: Sequence[Round]) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "B / A",
        "x": [at + 0.5 for at in range(len(found))],
        "y": [turn.ratio for turn in found],
        "yaxis": "y2",
        "text": [turn.order for turn in found],
        "hovertemplate": "%{text}: %{y:.4f}<extra></extra>",
        "line": {"color": MUTED, "width": 1},
        "marker": {"size": 8, "color": BACKBONE, "symbol": "diamond"},
    }


def _lines(one: Comparison) -> list[Spec]:
    """No difference, the limit, and the interval of the ratio behind them."""
    lines = [_across(1.0, 1.0, INK, "solid")]
    if one.limit is not None:
        lines.append(_across(1 + one.limit, 1 + one.limit, BAD, "dot"))
    if one.whole.low is not None and one.whole.high is not None:
        band = _across(one.whole.low, one.whole.high, MUTED, "solid")
        lines.append(band | {"type": "rect", "fillcolor": "var(--band)", "line": {"width": 0}})
    return lines


def _across(low: float, high: float, colour: str, dash: str) -> Spec:
    return {
        "type": "line",
        "xref": "x domain",
        "x0": 0,
        "x1": 1,
        "yref": "y2",
        "y0": low,
        "y1": high,
        "line": {"color": colour, "width": 1, "dash": dash},
        "layer": "below",
    }
