"""The chart of parity margins: every case's error over what its limit allows, on a log scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from attnbench.report.charts import BAD, GOOD, INK, MUTED, Chart, Spec, plotly_layout, plotly_text
from attnbench.report.margins import Margin, margins
from attnbench.report.view import Judged

ROW_PX = 30


@dataclass(frozen=True, slots=True)
class Line:
    """The cases of one artifact and metric, a row of the chart."""

    label: str
    metric: str
    cases: tuple[Margin, ...]

    @property
    def drawn(self) -> bool:
        """Whether it has anything with a distance, or a failure; agreement in top-1 has neither."""
        return any(m.ratio is not None or not m.case.passed for m in self.cases)


def parity(shown: Sequence[Judged]) -> Chart | None:
    """One row for each artifact and metric, one mark for each input; None without any case."""
    lines = [line for one in shown for line in _lines(one) if line.drawn]
    if not lines:
        return None
    low, high = _range(lines)
    decades = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    names = [f"{plotly_text(line.label)} <b>{plotly_text(line.metric)}</b>" for line in lines]
    layout = plotly_layout(names, row_px=ROW_PX)
    layout["xaxis"] |= {
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": [10.0**power for power in decades],
        "ticktext": [f"{10.0**power:g}" for power in decades],
    }
    layout["shapes"] = _limit(high)
    layout["annotations"] = [_side("← passes", "right"), _side("fails →", "left")]
    layout["margin"]["t"] = 28
    layout["height"] += 24
    data = [_marks(lines, low, high, passed=passed) for passed in (True, False)]
    failed = sum(not m.case.passed for line in lines for m in line.cases)
    total = sum(len(line.cases) for line in lines)
    title = "Parity: error over the error allowed (dimensionless, log scale; 1 is the limit)"
    words = f"{failed} of {total} marks are past the limit"
    return Chart("parity", title, words, layout["height"], {"data": data, "layout": layout})


def _lines(one: Judged) -> list[Line]:
    every = margins(one.verdict)
    metrics = dict.fromkeys(m.case.metric for m in every)
    return [
        Line(one.label, metric, tuple(m for m in every if m.case.metric == metric))
        for metric in metrics
    ]


def _range(lines: Sequence[Line]) -> tuple[float, float]:
    """Half a decade beyond what is there; at least a decade on each side of the limit."""
    ratios = [m.ratio for line in lines for m in line.cases if m.ratio and math.isfinite(m.ratio)]
    return min(0.1, *ratios, 1.0) / 3, max(10.0, *ratios, 1.0) * 3


def _marks(lines: Sequence[Line], low: float, high: float, *, passed: bool) -> Spec:
    found = [
        (row, margin)
        for row, line in enumerate(lines)
        for margin in line.cases
        if margin.case.passed is passed
    ]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "passes" if passed else "fails",
        "x": [_place(margin, low, high) for _, margin in found],
        "y": [row for row, _ in found],
        "text": [_hover(margin) for _, margin in found],
        "hovertemplate": "%{text}<extra></extra>",
        "cliponaxis": False,
        "marker": {
            "size": 10 if passed else 12,
            "color": GOOD if passed else BAD,
            "opacity": 0.85,
            "symbol": [_symbol(margin) for _, margin in found],
        },
    }


def _place(margin: Margin, low: float, high: float) -> float:
    """On the axis; what has no finite distance goes to the edge that it belongs to."""
    if margin.ratio is None or math.isinf(margin.ratio):
        return low * 1.3 if margin.case.passed else high / 1.3
    return max(margin.ratio, low * 1.3)


def _symbol(margin: Margin) -> str:
    if margin.case.passed:
        return "circle" if margin.ratio else "triangle-left"
    return "x" if margin.ratio is not None and math.isfinite(margin.ratio) else "triangle-right"


def _hover(margin: Margin) -> str:
    case = margin.case
    text = f"{case.metric} on {case.input}: {margin.value}, limit {margin.limit}"
    return plotly_text(f"{text} ({margin.text})" if margin.text else text)


def _limit(high: float) -> list[Spec]:
    across: Spec = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    none = {"width": 0}
    return [
        {"type": "rect", "x0": 1, "x1": high, "fillcolor": "var(--fail)", "line": none} | across,
        {"type": "line", "x0": 1, "x1": 1, "line": {"color": INK, "width": 2}}
        | across
        | {"layer": "above"},
    ]


def _side(text: str, anchor: str) -> Spec:
    shift = -8 if anchor == "right" else 8
    place: Spec = {"x": 0, "yref": "paper", "y": 1, "yanchor": "bottom", "xanchor": anchor}
    # On a log axis an annotation's place is the logarithm: 0 is the limit, 1.
    return place | {
        "text": text,
        "showarrow": False,
        "xshift": shift,
        "font": {"color": MUTED, "size": 12},
    }
