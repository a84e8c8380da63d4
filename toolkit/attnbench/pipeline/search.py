"""Which block is the first whose output differs: bisected, confirmed alone, or all looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from attnbench.graphs.boundaries import Boundary
from attnbench.parity.bisection import first_wrong
from attnbench.parity.limits import Limits
from attnbench.pipeline.alone import Alone, alone, layout
from attnbench.pipeline.probe import Probe, badness, worst
from attnbench.pipeline.rounded_inside import AnyInside
from attnbench.records import BlockError, Case

AFTER_ALL = "the outputs differ all the same: the error comes from operators of no block after them"

ADDED_UP = "each block is right alone: what is beyond its limit has added up from block to block"

ALL_RIGHT = "each block is right alone: the error comes from operators of no block, or has added up"


@dataclass(frozen=True, slots=True)
class Found:
    """
    The block at fault, if any, and how it was found.

    `first` is the first one whose output is wrong, which may be fed by the one at fault; both are
    positions among the places, in the order in which the artifact finishes them.
    """

    at: int | None
    first: int
    method: Literal["bisection", "linear"]
    alone: Alone | None = None
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Search:
    """The blocks of an artifact, and what is known of the outputs of each."""

    probe: Probe
    inside: AnyInside
    places: tuple[Boundary, ...]
    limits: Limits
    seen: dict[int, BlockError] = field(default_factory=dict)

    def path(self, at: int) -> str:
        """The module path of the block at a position."""
        return self.places[at].block.path

    def right(self, at: int) -> bool:
        """Whether the output of a block is within its limit."""
        self.look([at])
        return self.seen[at].case.passed

    def look(self, wanted: Sequence[int]) -> None:
        """Judge these blocks, all that were not judged yet with one probe."""
        new = [at for at in wanted if at not in self.seen]
        values = self.probe.look([self.places[at].exit for at in new]) if new else []
        cases: dict[int, list[Case]] = {at: [] for at in new}
        expected = self.inside.outputs([self.path(at) for at in new]) if new else ()
        for got, known in zip(values, expected, strict=True):
            for at in new:
                place, one = self.places[at], known[self.path(at)]
                way = layout(self.probe, place, one, got[place.exit])
                cases[at].append(worst([one], [way.read(got[place.exit])], self.limits))
        for at, found in cases.items():
            block = self.places[at].block
            self.seen[at] = BlockError(block.path, block.kind, max(found, key=badness))

    @property
    def precision(self) -> str:
        """The number format of the artifact."""
        return self.probe.artifact.recipe.precision

    def find(self, *, failed: bool) -> Found:
        """The block at fault, in an artifact that has `failed` or passed, the way that fits it."""
        if self.precision == "int8":
            return self.injecting(failed=failed)
        if failed:
            return self.bisect()
        return self.all() if self.precision == "fp32" else self.injecting(failed=False)

    def injecting(self, *, failed: bool) -> Found:
        """
        The first block that is wrong alone, where rounding makes errors add up, and vanish again.

        Run alone are those that are beyond their limits, in an artifact that failed then the rest.
        """
        everything = range(len(self.places))
        self.look(everything)
        beyond = [at for at in everything if not self.right(at)]
        tried = [*beyond, *(at for at in everything if failed and self.right(at))]
        for count, at in enumerate(tried, 1):
            part = self._alone(at)
            if _is_wrong(part):
                return Found(at, at, "linear", part, (self._counted(count),))
        notes = (self._counted(len(tried)), ALL_RIGHT if failed else ADDED_UP) if tried else ()
        return Found(None, len(everything), "linear", notes=notes)

    def bisect(self) -> Found:
        """
        The block at fault in an artifact whose outputs are wrong.

        What bisection finds must be wrong alone too. Otherwise the error did not stay where it
        came to be, and all blocks are looked at.
        """
        first = first_wrong(self.right, len(self.places))
        if first < len(self.places):
            at, part = self._suspected(first)
            if _is_wrong(part):
                self.look([at])
                return Found(at, first, "bisection", part)
        if self.precision != "fp32":
            return self.injecting(failed=True)
        found = self.all()
        return found if found.at is not None else replace(found, notes=(AFTER_ALL,))

    def all(self) -> Found:
        """The block at fault, after a look at every one of them."""
        everything = range(len(self.places))
        self.look(everything)
        wrong = [at for at in everything if not self.right(at)]
        if not wrong:
            return Found(None, len(self.places), "linear")
        at, part = self._suspected(wrong[0])
        back = next((one for one in everything[wrong[0] :] if self.right(one)), None)
        notes = []
        if back is not None:
            notes.append(
                f"the error does not stay: {self.path(wrong[0])} is beyond its limit, "
                f"{self.path(back)} after it is not"
            )
        return Found(at, wrong[0], "linear", part, (*notes, *self._doubts(wrong[0], part)))

    def nearest(self) -> BlockError | None:
        """Of the blocks that were judged the one that is nearest to its limit."""
        return max(self.seen.values(), key=lambda one: badness(one.case), default=None)

    def before(self, first: int) -> BlockError | None:
        """The last one before a position that was seen to be right."""
        right = [at for at, one in self.seen.items() if at < first and one.case.passed]
        return self.seen[max(right)] if right else None

    def _suspected(self, first: int) -> tuple[int, Alone | None]:
        """
        The first wrong block, or one around it: whichever is wrong alone, with that proof.

        If none is, the first wrong one as it is alone.
        """
        around = [at for at, place in enumerate(self.places) if place.around(self.places[first])]
        tried: list[tuple[int, Alone | None]] = []
        for at in (first, *sorted(around, key=lambda one: -len(self.path(one)))):
            tried.append((at, self._alone(at)))
            if _is_wrong(tried[-1][1]):
                return tried[-1]
        return tried[0]

    def _alone(self, at: int) -> Alone | None:
        return alone(self.places[at], self.probe, self.inside, self.limits)

    def _counted(self, tried: int) -> str:
        return (
            f"errors of {self.precision} add up from block to block and vanish in rounding, so at "
            f"fault is the first that is wrong alone; {tried} of {len(self.places)} were run so"
        )

    def _doubts(self, first: int, part: Alone | None) -> tuple[str, ...]:
        if part is None:
            return (
                "it could not be run alone: what enters it is none of what PyTorch calls it with",
            )
        if not _is_wrong(part):
            return (
                f"alone, on PyTorch's own input, {self.path(first)} is right: the error comes from "
                "what is between it and the block before, in operators of no block",
            )
        return ()


def _is_wrong(part: Alone | None) -> bool:
    return part is not None and not part.case.passed
