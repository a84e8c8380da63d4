"""What attention costs: found in two independent ways, block by block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from attnbench.records.compared import Comparison
from attnbench.records.exported import Kind

Bound = Literal["compute", "memory"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A time, or a difference of times, in ns, with its 95 % interval; None: there is none."""

    ns: int
    low_ns: int | None = None
    high_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Footprint:
    """
    What a block is on paper, without the blocks inside of it; path "" has the whole model.

    `macs` are multiply-accumulates of convolutions and matrix products. `traffic_bytes` is what its
    operators read and write, weights included, where elementwise work on one tensor is done along
    with what made it. `peak_bytes` is the most that activations take at once while it runs.
    """

    path: str
    kind: Kind
    parameters: int
    macs: int
    traffic_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Ceiling:
    """
    What the device reaches at best with so many threads: 10⁹ float32 operations, bytes a second.

    `source` says when it was measured.
    """

    simd: str
    threads: int
    fp32_gflop_s: float
    gb_s: float
    source: str


@dataclass(frozen=True, slots=True)
class BlockCost:
    """
    A block of the model with attention: its exclusive time, its footprint, its place on the roof.

    `roof_ns` is what the device's peaks allow at best, `bound` which of the two. Both are None
    without a ceiling; `footprint` is None for work of the model's own forward.
    """

    path: str
    kind: Kind
    time: Estimate
    footprint: Footprint | None
    roof_ns: int | None = None
    bound: Bound | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """
    What the rest of the model takes more (or less) because attention is there.

    `where` is a backbone block's path, or with `residual` a key of the residual. `believed` is
    whether the change is found among so many. `operators` are the runtime's kinds of which there
    are more, or fewer, than without attention.
    """

    where: str
    residual: bool
    change: Estimate
    believed: bool
    operators: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class AttentionCost:
    """
    What attention costs in one runtime on one device.

    `comparison` is of the model without (A) and with attention (B). `ablation` is B less A of plain
    launches, `attribution` the sum of the attention blocks in traced ones. `gap` is the first less
    the second, round by round; they `agree` if its interval has 0 in it. The gap is made of
    `shifts`, and of `rest`, which is in neither model's trace. All but `ablation` are None, and
    blocks and shifts (), where time could not be mapped to blocks. `totals` are the footprints of
    A and B as a whole. `ceiling` is None where `no_ceiling` says why.
    """

    comparison: Comparison
    ablation: Estimate
    totals: tuple[Footprint, Footprint]
    attribution: Estimate | None = None
    gap: Estimate | None = None
    agree: bool | None = None
    rest: Estimate | None = None
    blocks: tuple[BlockCost, ...] = ()
    shifts: tuple[Shift, ...] = ()
    ceiling: Ceiling | None = None
    no_ceiling: str = ""
    notes: tuple[str, ...] = ()
