"""Where an operator event can belong: to one block, or to a residual that has a name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from attnbench.errors import AttributionError
from attnbench.records import Block, Trace, is_inside

ROOT = ""
"""The path of the model itself: operators that its own forward calls, outside every block."""

ResidualKey = Literal["layout", "delegate_boundary", "runtime", "unattributed"]


@dataclass(frozen=True, slots=True)
class Place:
    """A block's path, or the residual that takes the time instead; exactly one is set."""

    block: str | None
    residual: ResidualKey | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """
    The place of every operator event of an inference, in the order of the trace.

    One tuple serves all inferences: the same artifact runs the same operators each time, which
    `steady_operators` checks.
    """

    places: tuple[Place, ...]


def residual(key: ResidualKey) -> Place:
    """A place in no block."""
    return Place(None, key)


def block_of(path: str | None, blocks: Iterable[Block]) -> Place:
    """The deepest block whose path is a prefix of `path` on a dot boundary; ROOT if none is."""
    if path is None:
        return residual("unattributed")
    inside = (b.path for b in blocks if is_inside(path, b.path))
    return Place(max(inside, key=len, default=ROOT))


def steady_operators(trace: Trace) -> tuple[int, ...]:
    """
    The sequence of operators (indices into the trace's table) that every inference runs.

    Raises AttributionError when two inferences differ: then no mapping holds for both.
    """
    sequences: set[tuple[int, ...]] = {
        tuple(event.operator for event in iteration) for iteration in trace.iterations
    }
    if len(sequences) != 1:
        raise AttributionError(
            f"{trace.engine}: the trace has {len(sequences)} different sequences of operators",
            hint="is the model's control flow dynamic? blocks need a static graph",
        )
    return next(iter(sequences))


def leaves(trace: Trace, sequence: Sequence[int]) -> list[int]:
    """Positions in `sequence` of the exclusive events, those that enclose no other."""
    return [at for at, i in enumerate(sequence) if trace.operators[i].level == "operator"]
