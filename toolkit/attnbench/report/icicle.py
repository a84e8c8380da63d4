"""The charts of the module tree: an icicle for each runtime, operators at its tips."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.report import units
from attnbench.report.charts import Chart, Spec, plotly_frame, plotly_text
from attnbench.report.tree import RESIDUAL, ROOT, Node, block_id, tree
from attnbench.report.view import Column, block_rows, union

HEIGHT_PX = 620
PATHBAR_PX = 22
ONE_LINE = 17
"""Characters."""
INDENT = "\N{EM SPACE}"

FILLS = {
    "whole": ("var(--grid)", "var(--ink)"),
    "attention": ("var(--attention)", "var(--on-attention)"),
    "backbone": ("var(--backbone)", "var(--on-backbone)"),
    "residual": ("var(--residual)", "var(--on-residual)"),
}
"""Of a part and of the text on it."""


def icicles(shown: Sequence[Column], name: str) -> tuple[Chart, ...]:
    """One chart for each attributed runtime; the page puts them on one scale."""
    found = [(column, nodes) for column in shown if (nodes := tree(column))]
    return tuple(_icicle(f"{name}-{at}", *one) for at, one in enumerate(found))


def places(shown: Sequence[Column]) -> dict[str, str]:
    """What one can look into, by its node: the whole, each block that takes time, the rest."""
    rows = union([block_rows(column.measurement) for column in shown])
    blocks = {block_id(row.path): f"{INDENT * row.depth}{row.name}" for row in rows}
    drawn = {node.id for column in shown for node in tree(column)}
    every = {ROOT: "the whole model", **blocks, RESIDUAL: "time of no block"}
    return {node: name for node, name in every.items() if node in drawn}


def _icicle(name: str, column: Column, nodes: Sequence[Node]) -> Chart:
    whole = nodes[0].ns
    trace: Spec = {
        "type": "icicle",
        "ids": [node.id for node in nodes],
        "parents": [node.parent for node in nodes],
        "labels": [plotly_text(node.label) for node in nodes],
        "values": [node.ns for node in nodes],
        "text": [_text(node) for node in nodes],
        "hovertext": [_hover(node, whole) for node in nodes],
        "branchvalues": "total",
        "sort": False,
        "tiling": {"orientation": "h", "pad": 1},
        "textinfo": "text",
        "textfont": {"color": [FILLS[node.fill][1] for node in nodes]},
        "textposition": "middle left",
        "hoverinfo": "text",
        "pathbar": {"side": "top", "thickness": PATHBAR_PX},
        "marker": {
            "colors": [FILLS[node.fill][0] for node in nodes],
            "line": {"color": "var(--card)", "width": 0.5},
            "pattern": _hatch(nodes),
        },
        "leaf": {"opacity": 1},
    }
    layout = plotly_frame(HEIGHT_PX) | {
        "margin": {"l": 2, "r": 2, "t": PATHBAR_PX + 6, "b": 2},
        "uniformtext": {"mode": "hide", "minsize": 9},
    }
    words = f"{units.duration(whole)} in {len(nodes)} parts; the table of blocks has their times"
    title = f"{column.label}: {units.duration(whole)}"
    return Chart(name, title, words, HEIGHT_PX, {"data": [trace], "layout": layout})


def _text(node: Node) -> str:
    """Its label and time, on two lines where one would be too long for a narrow panel."""
    time = units.duration(node.ns)
    gap = " " if len(node.label) + len(time) < ONE_LINE else "<br>"
    return f"{plotly_text(node.label)}{gap}{time}"


def _hover(node: Node, whole_ns: int) -> str:
    share = units.percent(node.ns / whole_ns)
    return f"{plotly_text(node.name)}: {units.duration(node.ns)}, {share}"


def _hatch(nodes: Sequence[Node]) -> Spec:
    """Attention is hatched as well: it must stand out without colour."""
    shapes = ["/" if node.fill == "attention" else "" for node in nodes]
    return {"shape": shapes, "size": 7, "solidity": 0.18, "fgcolor": "var(--hatch)"} | {
        "fillmode": "overlay"
    }
