"""Where an artifact first differs from PyTorch: put together, and written down."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from attnbench.devices import Device
from attnbench.errors import AttnbenchError
from attnbench.graphs import open_graph
from attnbench.graphs.boundaries import boundaries
from attnbench.parity.cases import Expected
from attnbench.parity.limits import Limits
from attnbench.pipeline.alone import Alone
from attnbench.pipeline.computed import evidence
from attnbench.pipeline.inside import Inputs
from attnbench.pipeline.operators import first_operator
from attnbench.pipeline.parity import Question
from attnbench.pipeline.probe import Probe
from attnbench.pipeline.repro import write_repro
from attnbench.pipeline.rounded_inside import AnyInside, RoundedInside, inside_of
from attnbench.pipeline.search import Found, Search
from attnbench.records import DIFFERS, Artifact, Block, BlockError, Divergence, Verdict
from attnbench.rewrites import REWRITES

REPRO = Path("reports/repro")
"""Where blocks that differ are written to."""


@dataclass(frozen=True, slots=True)
class Localising:
    """Whether to look into artifacts that pass, too, and the folder of what shows a difference."""

    always: bool
    folder: Path

    @classmethod
    def wanted(cls, said: bool | None, folder: Path = REPRO) -> Localising | None:
        """What a user means by yes, no, or nothing: only where parity fails."""
        return None if said is False else cls(bool(said), folder)


def localised(
    artifact: Artifact,
    verdict: Verdict,
    question: Question,
    device: Device,
    localising: Localising,
) -> Verdict:
    """
    The verdict with the block where the artifact first differs.

    Where that cannot be looked for, the verdict says why: it stands all the same.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # converters warn of their own insides
            found = localise(artifact, verdict, question, device, localising.folder)
    except AttnbenchError as error:
        note = f"where it first differs was not looked for: {error}"
        return replace(verdict, notes=(*verdict.notes, note))
    return replace(verdict, divergence=found)


def localise(
    artifact: Artifact, verdict: Verdict, question: Question, device: Device, folder: Path
) -> Divergence:
    """
    The first block that differs, on the inputs that fail; where none fails, how near they all are.

    A block that is wrong alone too is written into `folder`, to be run again. Raises BadOption
    where the file cannot be looked into.
    """
    asked = [one for one in question.expected if _fails(verdict, one)] or list(question.expected)
    inputs = {one.name: question.inputs[one.name] for one in asked}
    search = searching(artifact, inputs, question.limits(artifact), device)
    found = search.find(failed=not verdict)
    return _divergence(search, found, _steady(search, asked), folder)


def searching(artifact: Artifact, inputs: Inputs, limits: Limits, device: Device) -> Search:
    """The blocks of an artifact on these inputs, none of them looked at yet. Raises BadOption."""
    editor = open_graph(artifact)
    inside = inside_of(artifact, inputs)
    return Search(
        Probe.of(artifact, editor, device, [*inputs.values()]),
        inside,
        boundaries(editor.graph, artifact.blocks, _shapes(artifact, inside)),
        limits,
    )


def _shapes(artifact: Artifact, inside: AnyInside) -> dict[str, tuple[int, ...]]:
    """Of the outputs of the blocks, but for those that a rewrite has computed away."""
    paths = [one.path for one in artifact.blocks]
    if isinstance(inside, RoundedInside):  # what was computed away is not in its graph either
        return inside.shapes(paths)
    moving = {one.name for one in REWRITES if one.moves}
    gone = [one.paths for one in artifact.rewrites if one.name in moving]
    return inside.shapes(paths, chain.from_iterable(gone))


def _fails(verdict: Verdict, expected: Expected) -> bool:
    names = {expected.name, *map(expected.of_output, range(len(expected.single)))}
    return any(case.input in names and not case.passed for case in verdict.cases)


def _divergence(search: Search, found: Found, steady: bool, folder: Path) -> Divergence:
    part, operator, repro = found.alone, None, None
    known = {place.block.path for place in search.places}
    unobserved = [one for one in search.probe.artifact.blocks if one.path not in known]
    notes = (*found.notes, *_comparison(search.probe.artifact), *_moved(search, unobserved))
    if found.at is not None and part is not None and not part.case.passed:
        place = search.places[found.at]
        operator = first_operator(place, part, search.probe, search.inside, search.limits)
        module = search.inside.single.get_submodule(place.block.path)
        repro = str(write_repro(place, part, search.probe, module, folder))
        if operator is None:
            notes = (*notes, "its operators cannot be told apart by PyTorch's own values")
    probe = search.probe
    return Divergence(
        block=None if found.at is None else _error(search.seen[found.at], part),
        before=search.before(found.first),
        worst=search.nearest() if found.at is None else None,
        method=found.method,
        probes=probe.count,
        alone=None if part is None else part.case,
        operator=operator,
        observer="same" if steady else DIFFERS,
        observed=probe.moved if np.isfinite(probe.moved) else None,
        unobserved=tuple(one.path for one in unobserved),
        notes=notes,
        repro=repro,
    )


def _error(block: BlockError, part: Alone | None) -> BlockError:
    """The block's error in the artifact; where that is within its limit, the one alone."""
    return block if part is None or not block.case.passed else replace(block, case=part.case)


def _comparison(artifact: Artifact) -> Iterator[str]:
    """What was compared with what, where that is not the runtime with PyTorch in float32."""
    precision = artifact.recipe.precision
    if precision != "fp32":
        yield f"blocks are held to PyTorch with its numbers rounded to {precision}, as in the file"
    if evidence(artifact) == "program":
        yield "the saved program was computed here, where to look at a value changes no other"


def _moved(search: Search, unobserved: Iterable[Block]) -> Iterator[str]:
    """Which rewrite has computed away what attention returns, and how to observe that."""
    inside, moving = search.inside, {one.name for one in REWRITES if one.moves}
    lost = [one.path for one in unobserved if one.kind == "attention"]
    if not lost or isinstance(inside, RoundedInside):
        return
    returned = inside.shapes(lost, ())
    for one in search.probe.artifact.rewrites:
        left = inside.shapes(returned, one.paths) if one.name in moving else returned
        if gone := [path for path in returned if path not in left]:
            more = f" and {len(gone) - 1} more" if gone[1:] else ""
            keeps = f"--no-rewrite {one.name} keeps it"
            yield f"what {gone[0]}{more} returns was computed away: {keeps}"


def _steady(search: Search, asked: Sequence[Expected]) -> bool:
    """Whether the probed files return the artifact's outputs, but for their rounding."""
    return search.probe.moved <= min(_rounding(one, search.limits) for one in asked)


def _rounding(expected: Expected, limits: Limits) -> float:
    """What rounding may do to the outputs on an input, as a share of their range."""
    floats = [at for at, one in enumerate(expected.single) if np.issubdtype(one.dtype, np.floating)]
    return min((limits.max_error(expected.own_error(at)) for at in floats), default=0.0)
