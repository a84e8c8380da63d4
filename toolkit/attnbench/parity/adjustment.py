"""Limits that a team has set itself: tighter at will, wider for a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from attnbench.errors import BadOption
from attnbench.parity.limits import Limits

TIGHTER_IF_MORE = ("ceiling_db",)
"""Limits that an SNR has to reach; all others are what an error may be at most."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Fields of Limits to have other values, and why; None leaves one as it is."""

    factor: float | None = None
    floor: float | None = None
    ceiling_db: float | None = None
    absolute: float | None = None
    reason: str = ""

    def of(self, limits: Limits) -> Limits:
        """The adjusted limits. Raises BadOption where they are wider and there is no reason."""
        changes: dict[str, Any] = dict(self._changes(limits))
        for name, value in changes.items():
            if self._is_wider(name, limits) and not self.reason.strip():
                raise BadOption(
                    f"limits: {name} {value:g} is wider than {_now(limits, name):g}",
                    hint="write down why: reason = '...'",
                )
        return replace(limits, **changes)

    def told(self, limits: Limits) -> tuple[str, ...]:
        """What differs from the limits, one sentence each, with the reason if it is wider."""
        return tuple(
            f"the limit's {name} is {value:g} instead of {_now(limits, name):g}"
            + (f": {self.reason}" if self._is_wider(name, limits) else "")
            for name, value in self._changes(limits)
        )

    def _changes(self, limits: Limits) -> Iterator[tuple[str, float]]:
        for name in ("factor", "floor", "ceiling_db", "absolute"):
            value: float | None = getattr(self, name)
            if value is not None and value != _now(limits, name):
                if not value > 0:
                    raise BadOption(f"limits: {name} has to be positive, not {value:g}")
                yield name, value

    def _is_wider(self, name: str, limits: Limits) -> bool:
        wanted: float | None = getattr(self, name)
        if wanted is None:
            return False
        now = _now(limits, name)
        return wanted < now if name in TIGHTER_IF_MORE else wanted > now


NOTHING = Adjustment()


def _now(limits: Limits, name: str) -> float:
    value: float = getattr(limits, name)
    return value
