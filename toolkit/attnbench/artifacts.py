"""Artifacts on disk: the file, its manifest beside it, and what was exported last in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from attnbench.errors import BadArtifact
from attnbench.files import digest, size, write
from attnbench.records import Artifact
from attnbench.store import from_json, to_json

LAST = "last.json"


def manifest_of(path: Path) -> Path:
    """Where the manifest of an artifact lies."""
    return path.with_name(f"{path.name}.json")


def save_manifest(artifact: Artifact) -> None:
    """Write the manifest; the artifact counts as exported from now on."""
    path = Path(artifact.path)
    write(manifest_of(path), to_json(replace(artifact, path=path.name)))


def load(path: Path, *, changed: bool = False) -> Artifact:
    """
    An artifact of ours, with the proof that its bytes are those that were exported.

    Raises BadArtifact when the file or its manifest is missing, or the file has changed; with
    `changed` it may have, and is taken as it is.
    """
    manifest = manifest_of(path)
    if not path.exists():
        raise BadArtifact(
            f"{path} does not exist", hint="`attnbench export --block coord` makes one"
        )
    if not manifest.is_file():
        hint = "for a file of another converter name its reference: --model, or --block"
        raise BadArtifact(f"{path} has no manifest {manifest.name}", hint=hint)
    artifact = replace(from_json(manifest.read_bytes(), Artifact, str(manifest)), path=str(path))
    found = digest(path)
    if changed:
        return replace(artifact, sha256=found, bytes=size(path))
    if found != artifact.sha256:
        raise BadArtifact(
            f"{path} has changed since its export: sha256 {found[:12]}, not {artifact.sha256[:12]}",
            hint="export it again, or see where it differs: attnbench parity FILE --localise",
        )
    return artifact


def weights_of(artifact: Artifact) -> Path:
    """
    The file beside an artifact of ours with the weights that it was made from.

    Raises BadArtifact when it is missing or has changed.
    """
    assert artifact.reference is not None  # only foreign files have none
    weights = Path(artifact.path).with_name(artifact.reference.file)
    if not weights.is_file():
        raise BadArtifact(
            f"{weights} is missing: the weights that {artifact.path} was made from",
            hint="export it again",
        )
    if digest(weights) != artifact.reference.sha256:
        raise BadArtifact(
            f"{weights} has changed since {artifact.path} was made from it", hint="export it again"
        )
    return weights


def remember(folder: Path, artifacts: Sequence[Artifact]) -> None:
    """Note what was exported last, for the command that follows without naming any."""
    write(folder / LAST, to_json([Path(artifact.path).name for artifact in artifacts]))


def last(folder: Path) -> tuple[Artifact, ...]:
    """What was exported last into `folder`. Raises BadArtifact when nothing was."""
    note = folder / LAST
    if not note.is_file():
        hint = "name an artifact, or export one first: attnbench export --block coord"
        raise BadArtifact(f"nothing was exported into {folder} yet", hint=hint)
    return tuple(load(folder / name) for name in from_json(note.read_bytes(), list[str], str(note)))
