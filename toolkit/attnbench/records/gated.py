"""Latency held against a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from attnbench.records.compared import Outcome, Ratio

How = Literal["took turns", "stored launches", "the same file", "not measured"]


@dataclass(frozen=True, slots=True)
class Gated:
    """
    What an artifact takes against the baseline's, of a model by the policy's name; truthy: passes.

    `time` is that of the baseline and of now, None where there is none. `how` says what it rests
    on: launches of both that took turns, the baseline's stored launches and new ones, or that both
    are the same program. `limit` is a share; `notes` say why it is as it is, and what to do.
    """

    model: str
    backend: str
    device: str
    outcome: Outcome
    how: How
    limit: float
    time: Ratio | None = None
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.outcome == "pass"
