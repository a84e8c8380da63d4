"""How long work tells what it is doing, without knowing who listens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Told when a step begins and ends; steps may overlap."""

    def begin(self, step: str) -> None:
        """A step has begun."""

    def end(self, step: str, outcome: str) -> None:
        """It has ended: "done", "cached", "failed", ..."""


class Silent:
    """Tells nobody."""

    def begin(self, step: str) -> None:
        """See Progress."""

    def end(self, step: str, outcome: str) -> None:
        """See Progress."""


@contextmanager
def stepping(progress: Progress, step: str) -> Iterator[None]:
    """Report `step` around a block of code; "failed" when it raises."""
    progress.begin(step)
    try:
        yield
    except BaseException:
        progress.end(step, "failed")
        raise
    progress.end(step, "done")
