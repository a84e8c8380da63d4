"""Metrics against their limits, and where an artifact first differs from PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from attnbench.records.exported import Kind

DIFFERS = "observed graph differs"
"""The probed file computes other outputs than the artifact: what it shows may not be its own."""


@dataclass(frozen=True, slots=True)
class Case:
    """One metric on one input, held against its limit; `value` None is not a number."""

    input: str
    metric: str
    unit: str
    value: float | None
    limit: float
    better: Literal["lower", "higher"]
    passed: bool


@dataclass(frozen=True, slots=True)
class BlockError:
    """The output of a block against PyTorch, on the input where it is worst."""

    path: str
    kind: Kind
    case: Case


@dataclass(frozen=True, slots=True)
class FirstOperator:
    """
    The first operator of the block that returns none of the values that PyTorch has there.

    `value` is the name of its output in the artifact, `operator` its kind there, `path` the
    module that it comes from.
    """

    value: str
    operator: str
    path: str | None


@dataclass(frozen=True, slots=True)
class Divergence:
    """
    The first block of an artifact whose output differs from PyTorch's beyond its limit.

    `block` is None where all blocks that can be observed are within their limits; `worst` is then
    the one nearest to it. `before` is the last one within its limit before `block`. `method` says
    whether the blocks were bisected or all looked at, `probes` how many edited files were run.
    `alone` is the block by itself on PyTorch's own input; a case that passes there says that the
    error enters the block. `observer` is "same" or DIFFERS, by `observed` of the outputs' range.
    `unobserved` are the blocks whose output is no value of the artifact. `repro` is the folder in
    which the block lies, to be run again.
    """

    block: BlockError | None
    before: BlockError | None
    worst: BlockError | None
    method: Literal["bisection", "linear"]
    probes: int
    alone: Case | None
    operator: FirstOperator | None
    observer: str
    observed: float | None
    unobserved: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    repro: str | None = None

    @property
    def confirmed(self) -> bool:
        """Whether the block is beyond its limit alone too, on PyTorch's own input."""
        return self.alone is not None and not self.alone.passed
