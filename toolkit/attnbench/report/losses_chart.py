"""The chart of what fewer bits cost: each block alone, beside what has accumulated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attnbench.records.losses import BlockLoss, PrecisionLoss
from attnbench.report.charts import (
    ATTENTION,
    BACKBONE,
    INK,
    Chart,
    Spec,
    plotly_layout,
    plotly_text,
)

ROW_PX = 22

Ratio = Callable[[BlockLoss], float | None]


def loss_chart(one: PrecisionLoss, name: str) -> Chart:
    """Signal-to-noise ratios over the blocks in their order."""
    layout = plotly_layout([plotly_text(block.path) for block in one.blocks], row_px=ROW_PX)
    layout["xaxis"] |= {"ticksuffix": " dB", "nticks": 6}
    layout |= {"showlegend": True, "legend": {"orientation": "h", "yref": "container", "y": 0}}
    data = [
        _marks("alone, its output", "circle", BACKBONE, one.blocks, lambda block: block.alone_db),
        _marks("alone, the model's output", "diamond", ATTENTION, one.blocks, lambda b: b.model_db),
        _marks("accumulated", "x", INK, one.blocks, lambda block: block.accumulated_db),
    ]
    what = f"{one.artifact.backend}, {one.artifact.recipe.precision}"
    title = f"{what}: signal-to-noise ratio against float32, block by block"
    words = f"{len(one.blocks)} blocks: each rounded alone, and after all before it"
    return Chart(name, title, words, layout["height"], {"data": data, "layout": layout})


def _marks(name: str, symbol: str, colour: str, blocks: Sequence[BlockLoss], ratio: Ratio) -> Spec:
    shown = [(at, db, block.path) for at, block in enumerate(blocks) if (db := ratio(block))]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [db for _, db, _ in shown],
        "y": [at for at, _, _ in shown],
        "text": [f"{plotly_text(path)}, {name}: {db:.1f} dB" for _, db, path in shown],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"size": 9, "color": colour, "symbol": symbol},
        "cliponaxis": False,
    }
