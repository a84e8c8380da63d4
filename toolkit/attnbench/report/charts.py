"""The page's charts as Plotly figures: plain data; colours name variables of the page's CSS."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from attnbench.attribution.conserve import CLOSES_WITHIN
from attnbench.report import units
from attnbench.report.view import Column, Part, Sums, closes, parts, sums

Spec = dict[str, Any]

INK, MUTED, GRID = "var(--ink)", "var(--muted)", "var(--grid)"
ATTENTION, BACKBONE, RESIDUAL = "var(--attention)", "var(--backbone)", "var(--residual)"
GOOD, BAD = "var(--backbone)", "var(--bad)"

ROW_PX = 21
AXIS_PX = 48

AXIS: Spec = {"fixedrange": True, "gridcolor": GRID, "zeroline": False}


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure with a title that states the unit, and what it shows in words."""

    id: str
    title: str
    words: str
    height_px: int
    spec: Spec
    keyed: bool = False
    """Whether it needs the key to the three fills."""


def blocks(shown: Sequence[Column]) -> tuple[Chart, ...]:
    """One chart for each attributed runtime, all on one scale, so that panels compare."""
    found = [(c, [*parts(c.measurement), *_residual_parts(c)]) for c in shown if c.attributed]
    longest = max((_length(p) for _, rows in found for p in rows), default=0)
    return tuple(_block_chart(i, c, rows, longest) for i, (c, rows) in enumerate(found))


def share(shown: Sequence[Column]) -> Chart | None:
    """Attention, backbone and residual as parts of everything that was attributed."""
    found = [(c.label, total) for c in shown if (total := sums(c.measurement))]
    if not found:
        return None
    shares = [total.attention_share for _, total in found]
    names = [
        f"<b>{plotly_text(label)}</b><br>{units.percent(part)}"
        for (label, _), part in zip(found, shares, strict=True)
    ]
    data = [
        _share_bar(name, colour, ink, found)
        for name, colour, ink in (
            ("attention", ATTENTION, "var(--on-attention)"),
            ("backbone", BACKBONE, "var(--on-backbone)"),
            ("residual", RESIDUAL, "var(--on-residual)"),
        )
    ]
    layout = plotly_layout(names, row_px=52) | {"barmode": "stack", "bargap": 0.35}
    layout["xaxis"] |= {"range": [0, 100], "tickvals": [0, 25, 50, 75, 100]}
    layout["uniformtext"] = {"mode": "hide", "minsize": 12}
    words = ", ".join(f"{c[0]} {units.percent(s)}" for c, s in zip(found, shares, strict=True))
    title = "Attention's share of the attributed time, in %"
    spec = {"data": data, "layout": layout}
    return Chart("share", title, words, layout["height"], spec, keyed=True)


def closure(shown: Sequence[Column]) -> Chart | None:
    """How nearly the parts add up to the whole, against the band in which they are believed."""
    found = [(c.label, v) for c in shown if (v := c.measurement.closure) is not None]
    if not found:
        return None
    reach = max(0.04, *(2.2 * abs(value - 1) for _, value in found))
    marks = {True: ("within the band", GOOD, "circle"), False: ("outside", BAD, "x")}
    data = [
        {
            "type": "scatter",
            "mode": "markers+text",
            "name": marks[good][0],
            "x": [value for _, value in found if closes(value) is good],
            "y": [i for i, (_, value) in enumerate(found) if closes(value) is good],
            "text": [f" {v:.3f} " for _, v in found if closes(v) is good],
            "textposition": [
                # Away from the line at 1.
                "middle left" if v < 1 else "middle right"
                for _, v in found
                if closes(v) is good
            ],
            "textfont": {"size": 13, "color": INK},
            "marker": {"size": 12, "color": marks[good][1], "symbol": marks[good][2]},
            "hoverinfo": "skip",
        }
        for good in (True, False)
    ]
    layout = plotly_layout([f"<b>{plotly_text(label)}</b>" for label, _ in found], row_px=52)
    layout["xaxis"] |= {"range": [1 - reach, 1 + reach], "tickformat": ".2f", "nticks": 6}
    layout["shapes"] = _band(1 - CLOSES_WITHIN, 1 + CLOSES_WITHIN)
    words = ", ".join(f"{label} {value:.3f}" for label, value in found)
    title = f"Closure, parts over whole (dimensionless); band 1 ± {CLOSES_WITHIN:g}"
    return Chart("closure", title, words, layout["height"], {"data": data, "layout": layout})


def _residual_parts(column: Column) -> list[Part]:
    total = sums(column.measurement)
    spent = total.residual_ns if total else {}
    return [Part(f"({key})", ns, 0) for key, ns in spent.items() if ns]


def _length(part: Part) -> int:
    return part.backbone_ns + part.attention_ns


def _block_chart(at: int, column: Column, rows: Sequence[Part], longest_ns: int) -> Chart:
    own = len(parts(column.measurement))
    names = [plotly_text(part.name) for part in rows]
    layout = plotly_layout(names, row_px=ROW_PX) | {"barmode": "stack", "bargap": 0.25}
    # Room at the end of the longest bar for its own label.
    layout["xaxis"] |= {
        "range": [0, longest_ns / 1e6 * 1.22 or 1],
        "ticksuffix": " ms",
        "nticks": 4,
    }
    backbone = [part.backbone_ns if i < own else 0 for i, part in enumerate(rows)]
    residual = [part.backbone_ns if i >= own else 0 for i, part in enumerate(rows)]
    data = [
        _bar("backbone", BACKBONE, names, backbone),
        _bar("attention", ATTENTION, names, [part.attention_ns for part in rows]),
        _bar("residual", RESIDUAL, names, residual),
        _ends([_end(_length(part), column) for part in rows], list(map(_length, rows))),
    ]
    longest = max(rows, key=_length, default=None)
    words = f"{len(rows)} bars; the longest is {longest.name}" if longest else "nothing"
    spec = {"data": data, "layout": layout}
    return Chart(f"blocks-{at}", column.label, words, layout["height"], spec)


def _bar(name: str, colour: str, names: Sequence[str], ns: Sequence[int]) -> Spec:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": [value / 1e6 for value in ns],
        "y": list(range(len(ns))),
        "text": [
            f"{label}: {name} {units.duration(v)}" for label, v in zip(names, ns, strict=True)
        ],
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
        "marker": plotly_fill(name, colour),
    }


def _end(ns: int, column: Column) -> str:
    resolution_ns = max((b.resolution_ns for b in column.measurement.blocks or ()), default=0)
    return units.below(resolution_ns) if ns < resolution_ns else units.milliseconds(ns)


def _ends(texts: Sequence[str], ns: Sequence[int]) -> Spec:
    """The bars' lengths in figures behind their ends; a stack has no label of its own."""
    return {
        "type": "scatter",
        "mode": "text",
        "x": [value / 1e6 for value in ns],
        "y": list(range(len(ns))),
        "text": [f" {plotly_text(text)}" for text in texts],
        "textposition": "middle right",
        "textfont": {"size": 11, "color": MUTED},
        "hoverinfo": "skip",
        "cliponaxis": False,
    }


def _share_bar(name: str, colour: str, ink: str, found: Sequence[tuple[str, Sums]]) -> Spec:
    def part(total: Sums) -> int:
        residual = sum(total.residual_ns.values())
        return {"attention": total.attention_ns, "backbone": total.backbone_ns}.get(name, residual)

    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": [total.share(part(total)) * 100 for _, total in found],
        "y": list(range(len(found))),
        "text": [name for _ in found],
        "customdata": [
            f"{plotly_text(label)}: {name} {units.duration(part(total))}" for label, total in found
        ],
        "hovertemplate": "%{customdata}, %{x:.1f} %<extra></extra>",
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "textfont": {"color": ink},
        "marker": plotly_fill(name, colour),
    }


def plotly_fill(name: str, colour: str) -> Spec:
    """Attention is hatched as well: it must stand out without colour."""
    if name != "attention":
        return {"color": colour}
    pattern = {"shape": "/", "size": 7, "solidity": 0.18, "fgcolor": "var(--hatch)"}
    return {"color": colour, "pattern": pattern | {"fillmode": "overlay"}}


def _band(low: float, high: float) -> list[Spec]:
    edge = {"color": MUTED, "width": 1, "dash": "dot"}
    across: Spec = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    return [
        {"type": "rect", "x0": low, "x1": high, "fillcolor": "var(--band)", "line": edge} | across,
        {"type": "line", "x0": 1, "x1": 1, "line": {"color": INK, "width": 1}}
        | across
        | {"layer": "above"},
    ]


def plotly_frame(height_px: int) -> Spec:
    """What all charts have in common; nothing to drag or zoom."""
    return {
        "height": height_px,
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": INK},
        "paper_bgcolor": "var(--card)",
        "plot_bgcolor": "var(--card)",
        "hoverlabel": {"bgcolor": "var(--card)", "font": {"color": INK}},
        "showlegend": False,
        "dragmode": False,
    }


def plotly_layout(names: Sequence[str], *, row_px: int) -> Spec:
    """A horizontal layout of one row for each name, the first on top."""
    axis = AXIS | {"automargin": True}
    return plotly_frame(len(names) * row_px + AXIS_PX) | {
        "margin": {"l": 8, "r": 24, "t": 8, "b": 32, "pad": 4},
        "xaxis": dict(axis),
        "yaxis": axis
        | {
            "showgrid": False,
            "range": [len(names) - 0.5, -0.5],
            "tickvals": list(range(len(names))),
            "ticktext": list(names),
        },
    }


def plotly_log(values: Sequence[float]) -> Spec:
    """A logarithmic axis for these values and what is near them, with ticks at 1, 3, 10, 30 ..."""
    low, high = (math.floor(math.log10(end)) for end in (min(values), max(values)))
    ticks = [digit * 10.0**power for power in range(low - 1, high + 3) for digit in (1, 3)]
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def plotly_text(text: str) -> str:
    """Other people's text for Plotly, which takes `<b>`, `<a>` and `&` in it for markup."""
    safe = units.printable(text)
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
