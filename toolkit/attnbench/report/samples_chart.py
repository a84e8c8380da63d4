"""The chart of raw samples: their course over the launches, how they spread, conditions below."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from attnbench.records import Measurement
from attnbench.report import units
from attnbench.report.charts import (
    AXIS,
    BACKBONE,
    BAD,
    INK,
    MUTED,
    Chart,
    Spec,
    plotly_frame,
)
from attnbench.report.samples import (
    LOAD,
    Frame,
    Sample,
    Seen,
    conditions,
    every,
    frame,
    samples,
)
from attnbench.report.view import Column

COURSE_PX, CONDITION_PX, GAP_PX, AXIS_PX, TOP_PX = 230, 64, 24, 44, 8
COURSE, SPREAD = [0.0, 0.8], [0.83, 1.0]
"""The parts of the width for the course over time and for the distribution beside it."""


def sample_charts(shown: Sequence[Column], name: str) -> tuple[Chart, ...]:
    """One chart for each measurement."""
    return tuple(_chart(f"{name}-{at}", column) for at, column in enumerate(shown))


def _chart(name: str, column: Column) -> Chart:
    m = column.measurement
    found, seen = samples(m), conditions(m)
    box = frame(found)
    beyond = sum(one.ns > box.top_ns for one in found if not one.warmup)
    data = [
        _marks(found, box, warmup=True),
        _marks(found, box, warmup=False),
        _edge(found, box),
        _medians(m),
        _spread(found, box),
        *(_condition(one, row) for row, one in enumerate(seen, 3)),
    ]
    layout = _layout(m, seen, box)
    timed = sum(map(len, m.runs))
    words = (
        f"{timed} inferences in {units.counted(len(m.runs), 'launch')}, {beyond} beyond the frame"
    )
    thin = every(found)
    title = column.label if thin == 1 else f"{column.label}, one of every {thin} inferences"
    return Chart(name, title, words, layout["height"], {"data": data, "layout": layout})


def _marks(found: Sequence[Sample], box: Frame, *, warmup: bool) -> Spec:
    drawn = [one for one in found[:: every(found)] if one.warmup is warmup and one.ns <= box.top_ns]
    style = {"size": 3.5, "color": MUTED if warmup else BACKBONE, "opacity": 0.75}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "warm-up" if warmup else "timed",
        "x": [round(one.at, 4) for one in drawn],
        "y": [one.ns / 1e6 for one in drawn],
        "hovertemplate": "%{y:.4g} ms<extra></extra>",
        "marker": style | {"symbol": "circle-open" if warmup else "circle"},
    }


def _edge(found: Sequence[Sample], box: Frame) -> Spec:
    """What is beyond the frame, at its edge."""
    drawn = [one for one in found if one.ns > box.top_ns]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "beyond the frame",
        "x": [round(one.at, 4) for one in drawn],
        "y": [box.roof_ns / 1e6 for _ in drawn],
        "text": [f"{units.duration(one.ns)}{', warm-up' if one.warmup else ''}" for one in drawn],
        "hovertemplate": "%{text}<extra></extra>",
        "cliponaxis": False,
        "marker": {
            "size": 8,
            "symbol": ["triangle-up-open" if one.warmup else "triangle-up" for one in drawn],
            "color": [MUTED if one.warmup else BAD for one in drawn],
        },
    }


def _medians(m: Measurement) -> Spec:
    """A line across each launch; between them a gap."""
    levels = [median(run) / 1e6 for run in m.runs]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "median of the launch",
        "x": [x for at in range(len(levels)) for x in (at + 0.04, at + 0.96, None)],
        "y": [y for level in levels for y in (level, level, None)],
        "line": {"color": INK, "width": 2},
        "hovertemplate": "median %{y:.4g} ms<extra></extra>",
    }


def _spread(found: Sequence[Sample], box: Frame) -> Spec:
    return {
        "type": "histogram",
        "name": "distribution",
        "y": [one.ns / 1e6 for one in found if not one.warmup and one.ns <= box.top_ns],
        "nbinsy": 36,
        "xaxis": "x2",
        "marker": {"color": BACKBONE},
        "hovertemplate": "%{y} ms: %{x}<extra></extra>",
    }


def _condition(one: Seen, row: int) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": one.name,
        "x": [round(at, 4) for at in one.at],
        "y": list(one.values),
        "yaxis": f"y{row}",
        "line": {"color": MUTED, "width": 1.5},
        "marker": {
            "size": [9 if hot else 5 for hot in one.held],
            "color": [BAD if hot else MUTED for hot in one.held],
            "symbol": ["x" if hot else "circle" for hot in one.held],
        },
        "cliponaxis": False,
        "hovertemplate": f"{one.name}: %{{y:.4g}}<extra></extra>",
    }


def _layout(m: Measurement, seen: Sequence[Seen], box: Frame) -> Spec:
    plot_px = COURSE_PX + len(seen) * (GAP_PX + CONDITION_PX)
    layout = plotly_frame(plot_px + TOP_PX + AXIS_PX) | {
        "margin": {"l": 52, "r": 8, "t": TOP_PX, "b": AXIS_PX},
        "bargap": 0.05,
        "xaxis": AXIS
        | {
            "domain": COURSE,
            "range": [0, len(m.runs)],
            "anchor": f"y{len(seen) + 2}" if seen else "y",
            "title": {"text": "launch", "standoff": 6},
            "nticks": 8,
        },
        "xaxis2": AXIS | {"domain": SPREAD, "showticklabels": False, "showgrid": False},
        "yaxis": AXIS
        | {
            "domain": [1 - COURSE_PX / plot_px, 1],
            "range": [box.low_ns / 1e6, box.roof_ns / 1e6],
            "title": {"text": "ms", "standoff": 4},
            "nticks": 6,
        },
        "shapes": [_interval(m)],
        "annotations": [],
    }
    for row, one in enumerate(seen):
        top = (plot_px - COURSE_PX - GAP_PX - row * (GAP_PX + CONDITION_PX)) / plot_px
        domain = [max(0.0, top - CONDITION_PX / plot_px), top]
        mode = "tozero" if one.name == LOAD else "normal"
        layout[f"yaxis{row + 3}"] = AXIS | {"domain": domain, "nticks": 3, "rangemode": mode}
        layout["annotations"].append(_name(one.name, top))
    return layout


def _interval(m: Measurement) -> Spec:
    """The interval of the published median, behind everything."""
    return {
        "type": "rect",
        "xref": "x domain",
        "x0": 0,
        "x1": 1,
        "y0": m.latency_ns.low / 1e6,
        "y1": m.latency_ns.high / 1e6,
        "fillcolor": "var(--band)",
        "line": {"width": 0},
        "layer": "below",
    }


def _name(text: str, y: float) -> Spec:
    return {
        "text": text,
        "showarrow": False,
        "xref": "x domain",
        "x": 0,
        "xanchor": "left",
        "yref": "paper",
        "y": y,
        "yanchor": "bottom",
        "font": {"size": 11, "color": MUTED},
    }
