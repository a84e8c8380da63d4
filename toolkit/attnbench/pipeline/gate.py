"""Verdicts for a build: parity, and what was delegated when the baseline was taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from attnbench.attribution.delegation import (
    Delegated,
    delegated,
    delegation_cases,
    delegation_notes,
)
from attnbench.errors import BadInput
from attnbench.files import write
from attnbench.records import SCHEMA, Artifact, Verdict
from attnbench.store import from_json, to_json

NO_BASELINE = "not in the baseline: what is delegated was not judged (`attnbench gate --update`)"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was delegated, by the name of the model and the backend: `coord executorch`."""

    delegated: Mapping[str, Delegated]
    schema: int = SCHEMA


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file, an empty one if there is none. Raises BadInput if it is damaged."""
    if not path.is_file():
        return Baseline({})
    found = from_json(path.read_bytes(), Baseline, str(path))
    if found.schema != SCHEMA:
        raise BadInput(f"{path} has schema {found.schema}, not {SCHEMA}", hint="--update it")
    return found


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


def _delegates(artifact: Artifact) -> bool:
    """Whether it has delegates, and is ours, so that its blocks are known."""
    return bool(artifact.blocks) and artifact.delegation.delegates > 0


def _key(name: str, artifact: Artifact) -> str:
    return f"{name} {artifact.backend}"
