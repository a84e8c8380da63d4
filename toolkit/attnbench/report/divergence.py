"""Where an artifact first differs from PyTorch, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from attnbench.records import DIFFERS, BlockError, Case, Divergence
from attnbench.report import units
from attnbench.report.margins import margin

SHOWN = 5
"""How many names of a list are told."""


def told(found: Divergence) -> str:
    """One paragraph: which block, by how much, how that was found and confirmed, and with what."""
    return " ".join(_sentences(found))


def _sentences(found: Divergence) -> Iterator[str]:
    if found.block is None:
        yield from _no_block(found)
    else:
        yield f"the first block that differs from PyTorch is {_block(found.block)}."
        if found.before is not None:
            yield f"Before it, {_block(found.before)}."
        yield from _alone(found)
    yield _how(found)
    yield from (f"{note[0].upper()}{note[1:]}." for note in found.notes)
    if found.unobserved:
        yield f"Not observed, since they return no value of the file: {_names(found.unobserved)}."
    if found.repro is not None:
        yield f"To see it again: python -m attnbench.pipeline.reproduce {found.repro}"


def _no_block(found: Divergence) -> Iterator[str]:
    added = found.worst is not None and not found.worst.case.passed
    yield f"no block that can be observed is {'wrong alone' if added else 'beyond its limit'}."
    if found.worst is not None and added:
        yield f"Farthest beyond its limit in the file is {_block(found.worst)}."
    elif found.worst is not None:
        yield f"Nearest to it is {_block(found.worst)}."


def _alone(found: Divergence) -> Iterator[str]:
    if found.alone is not None:
        word = "differs too" if found.confirmed else "is within its limit"
        yield f"Alone, on PyTorch's own input, it {word} ({_case(found.alone)})."
    if found.operator is not None:
        one = found.operator
        yield f"Its first operator that differs is {one.operator} {one.value!r} of {one.path}."


def _how(found: Divergence) -> str:
    way = "by bisection" if found.method == "bisection" else "by looking at every block"
    how = f"Found {way}, with {units.counted(found.probes, 'probe')}"
    if found.observer == DIFFERS:
        moved = "beyond measure" if found.observed is None else f"by {found.observed:.1e} of range"
        return f"{how}; {DIFFERS}: the probed files return other outputs than this one, {moved}."
    if found.observed:
        return f"{how}, whose outputs are this file's within rounding ({found.observed:.1e})."
    return f"{how}, whose outputs are this file's to the last bit."


def _block(one: BlockError) -> str:
    return f"{one.path} ({one.kind}: {_case(one.case)})"


def _case(case: Case) -> str:
    shown = margin(case)
    return f"{case.metric} {shown.value} on {case.input}, limit {shown.limit}"


def _names(paths: tuple[str, ...]) -> str:
    more = len(paths) - SHOWN
    return ", ".join(paths[:SHOWN]) + (f" and {more} more" if more > 0 else "")
