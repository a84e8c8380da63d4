"""The chart of a comparison: B over A with its interval, whole and per block, on a log scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attnbench.records import BlockRatio, Comparison, Finding
from attnbench.report.charts import (
    BAD,
    GOOD,
    INK,
    MUTED,
    ROW_PX,
    Chart,
    Spec,
    plotly_layout,
    plotly_text,
)
from attnbench.report.view import ROOT_NAME

MARKS = {
    Finding.SLOWER: ("slower", BAD, "triangle-right"),
    Finding.FASTER: ("faster", GOOD, "triangle-left"),
    Finding.NOT_DISTINGUISHABLE: ("not distinguishable", MUTED, "circle-open"),
}
"""Name, colour and shape: colour alone must not say it."""

FINE = (0.9, 0.95, 1.0, 1.05, 1.1)
COARSE = (0.1, 0.2, 0.5, 0.8, 1.0, 1.25, 2.0, 5.0, 10.0)

WIDEST = 16.0
"""Intervals are drawn to this ratio; what is beyond belongs to no block that is worth a look."""


def ratios(one: Comparison, at: int) -> Chart | None:
    """One row for the inference and for each block that was tested; None in instruction time."""
    if one.rounds is None:
        return None
    whole = BlockRatio("inference", None, one.whole, one.finding)
    rows = [whole, *(row for row in one.blocks or () if row.finding is not None)]
    names = [f"<b>{whole.path}</b>", *(plotly_text(row.path or ROOT_NAME) for row in rows[1:])]
    layout = plotly_layout(names, row_px=ROW_PX)
    reach = max(1.1, *(max(1 / _low(row), _high(row)) for row in rows)) ** 1.05
    ticks = [tick for tick in (FINE if reach < FINE[-1] ** 2 else COARSE) if _in(tick, reach)]
    layout["xaxis"] |= {
        "type": "log",
        "range": [-math.log10(reach), math.log10(reach)],
        "tickvals": ticks,
        "ticktext": [f"{tick:g}" for tick in ticks],
    }
    layout["shapes"] = [_line(1.0, INK, "solid")]
    if one.limit is not None:
        layout["shapes"].append(_line(1 + one.limit, BAD, "dot"))
    data = [_marks(rows, finding) for finding in MARKS]
    title = f"{one.a.backend}: B / A with its 95 % interval (log scale; right of 1 B is slower)"
    slower = sum(row.finding is Finding.SLOWER for row in rows[1:])
    words = f"{slower} of {len(rows) - 1} blocks are slower in B"
    return Chart(f"ratios-{at}", title, words, layout["height"], {"data": data, "layout": layout})


def _marks(rows: Sequence[BlockRatio], finding: Finding) -> Spec:
    name, colour, symbol = MARKS[finding]
    found = [(at, row) for at, row in enumerate(rows) if row.finding is finding]
    values = [_drawn(row.time.ratio) for _, row in found]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": values,
        "y": [at for at, _ in found],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [_high(row) - x for (_, row), x in zip(found, values, strict=True)],
            "arrayminus": [x - _low(row) for (_, row), x in zip(found, values, strict=True)],
            "color": colour,
            "thickness": 1.5,
            "width": 3,
        },
        "text": [_hover(row, name) for _, row in found],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"size": 9, "color": colour, "symbol": symbol},
    }


def _hover(row: BlockRatio, name: str) -> str:
    span = f"{row.time.low:.3f} to {row.time.high:.3f}"
    return f"{plotly_text(row.path or ROOT_NAME)}: {row.time.ratio:.3f}, {span}, {name}"


def _drawn(ratio: float | None) -> float:
    assert ratio is not None  # rows that were tested have one
    return min(max(ratio, 1 / WIDEST), WIDEST)


def _low(row: BlockRatio) -> float:
    return _drawn(row.time.low)


def _high(row: BlockRatio) -> float:
    return _drawn(row.time.high)


def _in(tick: float, reach: float) -> bool:
    return 1 / reach <= tick <= reach


def _line(x: float, colour: str, dash: str) -> Spec:
    line = {"color": colour, "width": 1, "dash": dash}
    return {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": line}
