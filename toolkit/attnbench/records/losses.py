"""What fewer bits cost a model, and what they save, block by block."""

from __future__ import annotations

from dataclasses import dataclass

from attnbench.records.exported import Kind
from attnbench.records.measured import ArtifactId


@dataclass(frozen=True, slots=True)
class BlockLoss:
    """
    A block with those inside of it: signal-to-noise ratios in dB against float32, and its times.

    `alone_db` is of its output when it alone is rounded, `model_db` of the model's output then,
    `accumulated_db` of its output when all is rounded. None: nothing differs, or its output is no
    single value. Times are without the blocks inside of it, `before_ns` those in float32.
    """

    path: str
    kind: Kind
    alone_db: float | None
    model_db: float | None
    accumulated_db: float | None
    before_ns: int | None = None
    after_ns: int | None = None


@dataclass(frozen=True, slots=True)
class PrecisionLoss:
    """
    The blocks of an artifact, and the whole model.

    `simulated_db` is of the output of the rounded reference, `measured_db` of the artifact's own on
    the same `inputs`: how far the first foretells the second is how far the blocks are to be
    believed. Latencies are medians in float32 and in the artifact's precision.
    """

    artifact: ArtifactId
    device: str
    inputs: tuple[str, ...]
    simulated_db: float | None
    measured_db: float | None
    blocks: tuple[BlockLoss, ...]
    before_ns: int | None = None
    after_ns: int | None = None
