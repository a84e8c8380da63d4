"""What a runtime delegates, held against what it did when a baseline was taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from attnbench.attribution.places import block_of
from attnbench.records import Artifact, Case

INPUT = "(graph)"
UNKNOWN = "(unknown)"
WHOLE = "(model)"


@dataclass(frozen=True, slots=True)
class Delegated:
    """How many delegates there are, and how many operators of each block run outside of them."""

    delegates: int
    outside: Mapping[str, int]


def delegated(artifact: Artifact) -> Delegated:
    """What an artifact delegates, and what it does not, by block."""
    outside = artifact.delegation.outside
    places = [block_of(one.path, artifact.blocks).block for one in outside]
    names = [UNKNOWN if path is None else path or WHOLE for path in places]
    return Delegated(artifact.delegation.delegates, dict(Counter(names)))


def delegation_cases(now: Delegated, before: Delegated) -> tuple[Case, ...]:
    """That no operator of any block has left the delegates, and that these were not split."""
    return (
        _case("left_delegate", "operators", sum(_left(now, before).values()), 0),
        _case("delegates", "", now.delegates, before.delegates),
    )


def delegation_notes(now: Delegated, before: Delegated) -> tuple[str, ...]:
    """One sentence for each block of which operators have left."""
    return tuple(
        f"{path} has left the delegate: {count} of its operators that were in it are outside"
        for path, count in _left(now, before).items()
    )


def _left(now: Delegated, before: Delegated) -> dict[str, int]:
    more = {path: count - before.outside.get(path, 0) for path, count in now.outside.items()}
    return {path: count for path, count in more.items() if count > 0}


def _case(metric: str, unit: str, value: int, limit: int) -> Case:
    return Case(INPUT, metric, unit, float(value), float(limit), "lower", passed=value <= limit)
