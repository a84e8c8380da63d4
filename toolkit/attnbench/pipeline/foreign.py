"""Files that other converters made: no manifest, so their reference is named by the user."""

from __future__ import annotations

from pathlib import Path

from attnbench.backends.formats import FORMATS
from attnbench.errors import BadArtifact
from attnbench.files import digest, size
from attnbench.records import Artifact, Delegation
from attnbench.runner import Job, info
from attnbench_models import Recipe


def foreign(path: Path, recipe: Recipe) -> Artifact:
    """
    A file as an artifact whose reference is the recipe's own module.

    Its border comes from the runtime, which loads it; it has no scopes, so no blocks. Raises
    BadArtifact for a file that is missing or of a kind that no runtime here loads.
    """
    if not path.is_file():
        raise BadArtifact(f"{path} does not exist, or is no file")
    kind = next((one for one in FORMATS.values() if one.suffix == path.suffix), None)
    if kind is None or kind.engine is None:
        kinds = ", ".join(one.suffix for one in FORMATS.values() if one.engine)
        raise BadArtifact(f"{path}: not a kind of file that a runtime here loads", hint=kinds)
    sha256 = digest(path)
    told = info(Job(kind.engine, path, sha256))
    return Artifact(
        path=str(path),
        backend=kind.name,
        sha256=sha256,
        bytes=size(path),
        recipe=recipe,
        recipe_key=recipe.key,
        reference=None,
        inputs=told.inputs,
        outputs=told.outputs,
        tools={},
        rewrites=(),
        blocks=(),
        scopes=(),
        delegation=Delegation(0, 0),
    )
