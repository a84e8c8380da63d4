"""The chart of continuous load: how the middle and the slow tenth of the inferences change."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import median, quantiles

from attnbench.records import Sustained
from attnbench.report.charts import AXIS, BACKBONE, BAD, Chart, Spec, plotly_frame
from attnbench.report.view import Column

HEIGHT_PX = 260

MOST = 120
"""Stretches into which a load is cut."""
FEWEST = 20
"""Inferences of a stretch; fewer have no slow tenth."""


def sustained_charts(shown: Sequence[Column], name: str) -> tuple[Chart, ...]:
    """One chart for each measurement that was followed by continuous load."""
    loads = [(column.label, column.measurement.sustained) for column in shown]
    return tuple(
        _chart(f"{name}-{at}", label, load) for at, (label, load) in enumerate(loads) if load
    )


def stretches(load: Sustained) -> list[tuple[float, float, float]]:
    """When each ended, in seconds of load, its median and its 90th percentile in ms."""
    count = max(1, min(MOST, len(load.ns) // FEWEST))
    ends_s = [ns / 1e9 for ns in accumulate(load.ns)]
    cuts = [len(load.ns) * at // count for at in range(count + 1)]
    return [
        (ends_s[end - 1], median(part) / 1e6, _p90(part) / 1e6)
        for start, end in pairwise(cuts)
        for part in [load.ns[start:end]]
    ]


def _p90(part: Sequence[int]) -> float:
    return quantiles(part, n=10, method="inclusive")[-1] if len(part) > 1 else part[0]


def _chart(name: str, label: str, load: Sustained) -> Chart:
    found = stretches(load)
    data = [_line("median", BACKBONE, "solid", found, 1), _line("p90", BAD, "dash", found, 2)]
    layout = plotly_frame(HEIGHT_PX) | {
        "margin": {"l": 52, "r": 12, "t": 8, "b": 44},
        "xaxis": AXIS
        | {"rangemode": "tozero", "nticks": 6, "title": {"text": "s of load", "standoff": 6}},
        "yaxis": AXIS
        | {"rangemode": "tozero", "nticks": 6, "title": {"text": "ms", "standoff": 4}},
    }
    words = f"{load.slope * 100:+.2f} % a minute, {load.seconds:.0f} s"
    spec = {"data": data, "layout": layout}
    return Chart(name, f"{label}: {words}", words, HEIGHT_PX, spec)


def _line(
    name: str, colour: str, dash: str, found: Sequence[tuple[float, float, float]], which: int
) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines" if len(found) > 1 else "markers",
        "name": name,
        "x": [stretch[0] for stretch in found],
        "y": [stretch[which] for stretch in found],
        "line": {"color": colour, "width": 2, "dash": dash},
        "marker": {"size": 9, "color": colour},
        "hovertemplate": f"{name} %{{y:.4g}} ms<extra></extra>",
    }
