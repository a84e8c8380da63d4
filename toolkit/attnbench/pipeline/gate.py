"""Verdicts for a build: parity, and what was delegated when the baseline was taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from attnbench.attribution.delegation import (
    Delegated,
    delegated,
    delegation_cases,
    delegation_notes,
)
from attnbench.errors import BadOption
from attnbench.files import write
from attnbench.parity.adjustment import Adjustment
from attnbench.parity.limits import limits_for
from attnbench.pipeline.reference import reference_of
from attnbench.records import SCHEMA, Artifact, Case, Verdict
from attnbench.store import read_or, to_json

NO_BASELINE = "not in the baseline: what is delegated was not judged (`attnbench gate --update`)"

REFERENCE = "(reference)"
"""What blind spots are cases of: no input, since all of them see nothing."""

WHOLE = "(model)"
"""The blind spot of a gate that sees nothing, in a model without a block to name."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was delegated, by the name of the model and the backend: `coord executorch`."""

    delegated: Mapping[str, Delegated]
    schema: int = SCHEMA


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file, an empty one if there is none. Raises BadInput if it is damaged."""
    return read_or(Baseline({}), path)


def write_baseline(path: Path, judged: Mapping[str, Sequence[Artifact]]) -> None:
    """Write what the artifacts of each model delegate."""
    found = {
        _key(name, artifact): delegated(artifact)
        for name, artifacts in judged.items()
        for artifact in artifacts
        if _delegates(artifact)
    }
    write(path, to_json(Baseline(found)))


def with_delegation(
    name: str, artifact: Artifact, verdict: Verdict, baseline: Baseline | None
) -> Verdict:
    """A verdict that also fails where a block has left the delegate since the baseline, if any."""
    if baseline is None:
        return verdict
    before = baseline.delegated.get(_key(name, artifact))
    if before is None:
        notes = (*verdict.notes, NO_BASELINE) if _delegates(artifact) else verdict.notes
        return replace(verdict, notes=notes)
    now = delegated(artifact)
    return replace(
        verdict,
        cases=(*verdict.cases, *delegation_cases(now, before)),
        notes=(*verdict.notes, *delegation_notes(now, before)),
    )


def with_adjustment(verdict: Verdict, artifact: Artifact, own: Adjustment) -> Verdict:
    """A verdict that says which limits it was held to that are not the usual ones."""
    told = own.told(limits_for(artifact.backend, artifact.recipe.precision))
    return replace(verdict, notes=(*verdict.notes, *told))


def check_allowed(artifact: Artifact, allowed: Sequence[str]) -> None:
    """Raise BadOption for an allowed blind spot that is nothing in the model."""
    module = reference_of(artifact)
    parts = (module.named_modules(), module.named_parameters())
    paths = [WHOLE, *(path for found in parts for path, _ in found)]
    for one in allowed:
        if not any(fnmatchcase(path, one) for path in paths):
            raise BadOption(
                f"allowed_blind_spots: {one!r} is no module or weight of {artifact.recipe.name}",
                hint="`attnbench parity --power` names them",
            )


def with_blind_spots(verdict: Verdict, allowed: Sequence[str]) -> Verdict:
    """
    A verdict that also fails where its gate has a blind spot that is not allowed.

    Those allowed are paths, patterns of paths, or WHOLE; what is none any more is told.
    """
    if verdict.power is None:
        return verdict
    spots = verdict.power.blind_spots
    found = [(one.path, f"{one.path} {one.fault}") for one in spots]
    if verdict.blind and not found:
        found = [(WHOLE, f"{WHOLE}: {verdict.blind[0]}")]
    new = [told for path, told in found if not any(fnmatchcase(path, one) for one in allowed)]
    gone = [one for one in allowed if not any(fnmatchcase(path, one) for path, _ in found)]
    case = Case(REFERENCE, "blind_spots", "", float(len(new)), 0.0, "lower", passed=not new)
    notes = (
        *(f"a blind spot that the policy does not allow: {told}" for told in new),
        *(f"{one} is allowed as a blind spot, and is none any more" for one in gone),
    )
    return replace(verdict, cases=(*verdict.cases, case), notes=(*verdict.notes, *notes))


def _delegates(artifact: Artifact) -> bool:
    """Whether it has delegates, and is ours, so that its blocks are known."""
    return bool(artifact.blocks) and artifact.delegation.delegates > 0


def _key(name: str, artifact: Artifact) -> str:
    return f"{name} {artifact.backend}"
