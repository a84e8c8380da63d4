"""What fewer bits cost each block, for people."""

from __future__ import annotations

from attnbench.records.losses import BlockLoss, PrecisionLoss
from attnbench.report import units
from attnbench.report.tables import ABSENT, Heading, Row, Table

METHOD = (
    "Signal-to-noise ratios against PyTorch in float32, in a PyTorch model whose numbers are "
    "rounded as in the artifact: at the block's output and at the model's when that block alone is "
    "rounded, and at the block's output when all is (accumulated). Of a block with those inside of "
    "it. Times are the runtime's, without the blocks inside; saved is float32's less the "
    "artifact's. How well the model foretells the artifact is told beside: the output of each."
)


def table(one: PrecisionLoss) -> Table:
    """One row a block."""
    timed = one.before_ns is not None
    headings = (
        Heading("block", "name"),
        *(Heading(text, group="SNR, dB") for text in ("alone", "output", "accumulated")),
        *(Heading(text, group="µs") for text in ("float32", _precision(one), "saved") if timed),
    )
    rows = (_row(block, timed=timed) for block in one.blocks)
    return Table(
        f"{_precision(one)} in {one.artifact.backend}, block by block", headings, tuple(rows)
    )


def _row(block: BlockLoss, *, timed: bool) -> Row:
    ratios = (block.alone_db, block.model_db, block.accumulated_db)
    times = (block.before_ns, block.after_ns, saved_ns(block)) if timed else ()
    cells = (
        block.path,
        *(ABSENT if db is None else f"{db:.1f}" for db in ratios),
        *(ABSENT if ns is None else f"{ns / 1e3:.1f}" for ns in times),
    )
    return Row(cells, "attention" if block.kind == "attention" else "plain", block.path.count("."))


def saved_ns(block: BlockLoss) -> int | None:
    """What the block takes less than in float32."""
    if block.before_ns is None or block.after_ns is None:
        return None
    return block.before_ns - block.after_ns


def sentence(one: PrecisionLoss) -> str:
    """What the whole model loses, which block is to blame, and what it saves."""
    told = f"{_precision(one)} in {one.artifact.backend}: the artifact is {_db(one.measured_db)}, "
    told += f"the rounded reference {_db(one.simulated_db)} from PyTorch in float32"
    outer = {block.path.rpartition(".")[0] for block in one.blocks}
    found = [
        (block.model_db, block.path)
        for block in one.blocks
        if block.model_db is not None and block.path not in outer
    ]
    if found:
        worst, path = min(found)
        told += f"; rounded alone, {path} costs most: {_db(worst)} at the output"
    if one.before_ns is not None and one.after_ns is not None:
        took = f"{units.duration(one.after_ns)} instead of {units.duration(one.before_ns)}"
        told += f"; one inference takes {took} on {one.device}"
    return f"{told}."


def title(one: PrecisionLoss) -> str:
    """What was rounded."""
    return f"{one.artifact.recipe.name} in {one.artifact.backend}"


def _precision(one: PrecisionLoss) -> str:
    return one.artifact.recipe.precision


def _db(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.1f} dB"
