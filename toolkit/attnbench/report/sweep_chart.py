"""The charts of a sweep: milliseconds over MACs, one for each setup."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.records.sweeps import Cell, Setup, Sweep
from attnbench.report import units
from attnbench.report.charts import AXIS, INK, Chart, Spec, plotly_frame, plotly_text
from attnbench.report.sweep import setup_name
from attnbench.report.view import distinct

HEIGHT_PX = 400

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "hexagon", "x")
COLOURS = tuple(f"var(--series-{number})" for number in range(1, 7))
"""Of different length, so that fifteen blocks or more are told apart by both together."""


def sweep_charts(one: Sweep, name: str) -> tuple[Chart, ...]:
    """One chart for each setup in which anything was measured; blocks look alike in all."""
    blocks = distinct(str(cell.recipe.block) for cell in one.cells)
    setups = dict.fromkeys(cell.setup for cell in one.cells if _drawn(cell))
    return tuple(_chart(f"{name}-{at}", one, setup, blocks) for at, setup in enumerate(setups))


def _drawn(cell: Cell) -> bool:
    return cell.measurement is not None and cell.macs is not None


def _chart(name: str, one: Sweep, setup: Setup, blocks: Sequence[str]) -> Chart:
    mine = [cell for cell in one.cells if cell.setup == setup]
    drawn = [cell for cell in mine if _drawn(cell)]
    data = [
        _marks([cell for cell in drawn if str(cell.recipe.block) == block], block, at)
        for at, block in enumerate(blocks)
    ]
    layout = plotly_frame(HEIGHT_PX) | {
        "margin": {"l": 56, "r": 12, "t": 8, "b": 8},
        "showlegend": True,
        "legend": {"orientation": "h", "yref": "container", "y": 0, "itemclick": False}
        | {"itemdoubleclick": False},
        "xaxis": AXIS
        | {"automargin": True, "nticks": 6, "title": {"text": "million MACs", "standoff": 6}},
        "yaxis": AXIS
        | {"rangemode": "tozero", "nticks": 6, "title": {"text": "ms", "standoff": 4}},
    }
    found = [f"rank correlation {c.rho:.2f}" for c in one.correlations if c.setup == setup]
    words = ", ".join([units.counted(len(drawn), "model"), *found])
    if missing := len(mine) - len(drawn):
        words += f", {missing} without a number"
    title = f"{setup_name(setup)}: {words}"
    return Chart(name, title, words, HEIGHT_PX, {"data": data, "layout": layout})


def _marks(cells: Sequence[Cell], block: str, at: int) -> Spec:
    spans = [cell.measurement.latency_ns for cell in cells if cell.measurement is not None]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plotly_text(block),
        "x": [(cell.macs or 0) / 1e6 for cell in cells],
        "y": [span.median / 1e6 for span in spans],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [(span.high - span.median) / 1e6 for span in spans],
            "arrayminus": [(span.median - span.low) / 1e6 for span in spans],
            "color": INK,
            "thickness": 1,
            "width": 3,
        },
        "text": [_hover(cell) for cell in cells],
        "hovertemplate": "%{text}: %{y:.4g} ms, %{x:.4g} million MACs<extra></extra>",
        "marker": {
            "size": 11,
            "symbol": SYMBOLS[at % len(SYMBOLS)],
            "color": COLOURS[at % len(COLOURS)],
            "line": {"width": 1, "color": INK},
        },
    }


def _hover(cell: Cell) -> str:
    options = [f"{key}={value}" for key, value in cell.recipe.options.items()]
    return plotly_text(" ".join([cell.recipe.name, *options]))
