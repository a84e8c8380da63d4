"""The charts of what attention costs: its time in two ways, its part of all, the roofline."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.records import Kind
from attnbench.records.costs import AttentionCost, BlockCost, Ceiling, Estimate
from attnbench.report import units
from attnbench.report.charts import (
    ATTENTION,
    AXIS,
    BACKBONE,
    BAD,
    GOOD,
    INK,
    Chart,
    Spec,
    plotly_fill,
    plotly_frame,
    plotly_layout,
    plotly_log,
    plotly_text,
)
from attnbench.report.cost import attention_part, signed_time
from attnbench.report.view import ROOT_NAME

ROW_PX = 46
ROOF_PX = 420

MARKS: dict[Kind, tuple[str, str]] = {
    "attention": (ATTENTION, "diamond"),
    "backbone": (BACKBONE, "circle"),
}
"""Colour and shape: colour alone must not say it."""


def ways(one: AttentionCost, name: str) -> Chart:
    """Attention's time by ablation and by attribution, and the gap, each with its interval."""
    found = {"ablation": one.ablation, "attribution": one.attribution, "gap": one.gap}
    rows = [(way, estimate) for way, estimate in found.items() if estimate is not None]
    layout = plotly_layout([f"<b>{way}</b>" for way, _ in rows], row_px=ROW_PX)
    layout["xaxis"] |= {"rangemode": "tozero", "ticksuffix": " ms", "nticks": 4, "tickangle": 0}
    layout["shapes"] = [_zero()]
    marks: Spec = {
        "type": "scatter",
        "mode": "markers",
        "x": [estimate.ns / 1e6 for _, estimate in rows],
        "y": list(range(len(rows))),
        "error_x": _interval([estimate for _, estimate in rows]),
        "text": [f"{way}: {signed_time(estimate.ns)}" for way, estimate in rows],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "size": 11,
            "color": [_colour(way, one) for way, _ in rows],
            "symbol": ["x" if way == "gap" and one.agree is False else "circle" for way, _ in rows],
        },
        "cliponaxis": False,
    }
    title = f"{one.comparison.a.backend}: attention's time in two ways, with 95 % intervals"
    words = ", ".join(f"{way} {signed_time(estimate.ns)}" for way, estimate in rows)
    return Chart(name, title, words, layout["height"], {"data": [marks], "layout": layout})


def portions(one: AttentionCost, name: str) -> Chart | None:
    """Attention's part of MACs, parameters, traffic and time; None without blocks."""
    if not one.blocks:
        return None
    keys = {"MACs": "macs", "parameters": "parameters", "memory traffic": "traffic_bytes"}
    shares = {label: attention_part(one, key) for label, key in keys.items()}
    shares["time"] = attention_part(one, None)
    names = [f"<b>{label}</b><br>{units.percent(part)}" for label, part in shares.items()]
    layout = plotly_layout(names, row_px=ROW_PX) | {"barmode": "stack", "bargap": 0.35}
    layout["xaxis"] |= {"range": [0, 100], "tickvals": [0, 25, 50, 75, 100], "ticksuffix": " %"}
    attention = [part * 100 for part in shares.values()]
    data = [
        _bar("attention", ATTENTION, attention),
        _bar("backbone", BACKBONE, [100 - part for part in attention]),
    ]
    title = f"{one.comparison.a.backend}: attention on paper and in fact, in % of all blocks"
    words = ", ".join(f"{units.percent(part)} of the {label}" for label, part in shares.items())
    spec = {"data": data, "layout": layout}
    return Chart(name, title, words, layout["height"], spec, keyed=True)


def roofline(one: AttentionCost, name: str) -> Chart | None:
    """Each block's speed over its intensity, below what the device reaches; None without blocks."""
    drawn = [block for block in one.blocks if _speed(block) > 0]
    if not drawn:
        return None
    data = [_marks(drawn, kind) for kind in MARKS]
    layout = plotly_frame(ROOF_PX) | {
        "margin": {"l": 60, "r": 12, "t": 8, "b": 48},
        "xaxis": AXIS
        | plotly_log([_intensity(block) for block in drawn])
        | {"title": {"text": "operations per byte, FLOP/B", "standoff": 6}},
        "yaxis": AXIS
        | plotly_log([_speed(block) for block in drawn])
        | {"title": {"text": "GFLOP/s", "standoff": 4}},
    }
    if one.ceiling is not None:
        data.append(_roof(one.ceiling, [_intensity(block) for block in drawn]))
    silent = len(one.blocks) - len(drawn)
    peak = "" if one.ceiling else "; without the device's peaks there is no roof"
    words = f"{len(drawn)} blocks, {silent} more have no MACs or no time{peak}"
    title = f"{one.comparison.a.backend}: roofline, each block's speed over its intensity (log)"
    return Chart(name, title, words, ROOF_PX, {"data": data, "layout": layout})


def _speed(block: BlockCost) -> float:
    """10⁹ operations a second, two for a multiply-accumulate; 0 where there is nothing to tell."""
    if block.footprint is None or block.time.ns <= 0 or not block.footprint.traffic_bytes:
        return 0.0
    return 2 * block.footprint.macs / block.time.ns


def _intensity(block: BlockCost) -> float:
    assert block.footprint is not None  # it has a speed
    return 2 * block.footprint.macs / block.footprint.traffic_bytes


def _marks(drawn: Sequence[BlockCost], kind: Kind) -> Spec:
    colour, symbol = MARKS[kind]
    found = [block for block in drawn if block.kind == kind]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": kind,
        "x": [_intensity(block) for block in found],
        "y": [_speed(block) for block in found],
        "text": [_hover(block) for block in found],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "size": 10,
            "color": colour,
            "symbol": symbol,
            "line": {"width": 1, "color": INK},
        },
    }


def _hover(block: BlockCost) -> str:
    reached = (
        f", {units.percent(block.roof_ns / block.time.ns)} of the roof ({block.bound})"
        if block.roof_ns is not None
        else ""
    )
    speed = f"{_speed(block):.3g} GFLOP/s at {_intensity(block):.3g} FLOP/B"
    name = plotly_text(block.path or ROOT_NAME)
    return f"{name}: {speed}, {units.duration(block.time.ns)}{reached}"


def _roof(ceiling: Ceiling, intensities: Sequence[float]) -> Spec:
    """What the memory's rate allows, up to what computing does."""
    ridge = ceiling.fp32_gflop_s / ceiling.gb_s
    ends = sorted((min(*intensities, ridge) / 2, ridge, max(*intensities, ridge) * 2))
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "roof",
        "x": ends,
        "y": [min(ceiling.fp32_gflop_s, ceiling.gb_s * at) for at in ends],
        "line": {"color": INK, "width": 2},
        "hovertemplate": "roof %{y:.3g} GFLOP/s at %{x:.3g} FLOP/B<extra></extra>",
    }


def _bar(name: str, colour: str, parts: Sequence[float]) -> Spec:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": list(parts),
        "y": list(range(len(parts))),
        "hovertemplate": f"{name} %{{x:.1f}} %<extra></extra>",
        "marker": plotly_fill(name, colour),
    }


def _interval(found: Sequence[Estimate]) -> Spec:
    """What an estimate lacks of an interval is drawn as none."""
    ends = [
        (one.ns, one.ns) if one.low_ns is None or one.high_ns is None else (one.low_ns, one.high_ns)
        for one in found
    ]
    return {
        "type": "data",
        "symmetric": False,
        "array": [(high - one.ns) / 1e6 for one, (_, high) in zip(found, ends, strict=True)],
        "arrayminus": [(one.ns - low) / 1e6 for one, (low, _) in zip(found, ends, strict=True)],
        "color": INK,
        "thickness": 1.5,
        "width": 5,
    }


def _colour(way: str, one: AttentionCost) -> str:
    if way != "gap":
        return ATTENTION
    return BAD if one.agree is False else GOOD


def _zero() -> Spec:
    line = {"color": INK, "width": 1}
    return {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "line": line}
