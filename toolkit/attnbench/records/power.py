"""What a parity gate would have missed, at the limits that it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from attnbench.records.judged import Case

Fault = Literal["removed", "flattened", "doubled"]


@dataclass(frozen=True, slots=True)
class BlockPower:
    """
    One attention block, replaced in the reference.

    `removed` hold what the model returns with identity in its place against what it returns with
    the block, `flattened` the same for a fixed scale per channel, as if nothing were attended to.
    `detectable` is the smallest share of the way to identity that fails the gate, None where
    identity itself does not.
    """

    path: str
    removed: tuple[Case, ...]
    flattened: tuple[Case, ...]
    detectable: float | None


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """
    A fault that the gate passes: a block `removed` or `flattened`, or a weight of it `doubled`.

    `seen` is the case that fails where another look is taken, if any does: on the `output` for
    an input that the gate does not have, or on the `block` by itself.
    """

    path: str
    fault: Fault
    seen: Case | None
    at: Literal["output", "block"] = "output"


@dataclass(frozen=True, slots=True)
class Power:
    """
    What a gate sees of each attention block.

    `kept` are blocks that identity cannot replace, since they do not keep the shape of what they
    take; only their weights were changed.
    """

    blocks: tuple[BlockPower, ...]
    blind_spots: tuple[BlindSpot, ...]
    kept: tuple[str, ...] = ()
