"""Files that other converters made: no manifest, so their reference is named by the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from attnbench.backends.formats import FORMATS
from attnbench.errors import BadArtifact
from attnbench.files import digest, size
from attnbench.records import Artifact, Delegation, TensorSpec
from attnbench.runner import Job, info
from attnbench_models import Recipe


def foreign(path: Path, recipe: Recipe, *, pixels: tuple[int, int] | None = None) -> Artifact:
    """
    A file as an artifact whose reference is the recipe's own module, at the file's input size.

    Its border comes from the runtime, which loads it; it has no scopes, so no blocks. Raises
    BadArtifact for a file that is missing, of a kind that no runtime here loads, or whose input
    has not the height, width and batch that the user has given.
    """
    if not path.is_file():
        raise BadArtifact(f"{path} does not exist, or is no file")
    kind = next((one for one in FORMATS.values() if one.suffix == path.suffix), None)
    if kind is None or kind.engine is None:
        kinds = ", ".join(one.suffix for one in FORMATS.values() if one.engine)
        raise BadArtifact(f"{path}: not a kind of file that a runtime here loads", hint=kinds)
    sha256 = digest(path)
    told = info(Job(kind.engine, path, sha256))
    recipe = replace(
        recipe,
        size=_pixels(path, told.inputs, pixels) or recipe.size,
        batch=_batch(path, told.inputs, recipe.batch),
    )
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


def _pixels(
    path: Path, inputs: Sequence[TensorSpec], given: tuple[int, int] | None
) -> tuple[int, int] | None:
    """Height and width of the file's input, or what was given where it is not one image batch."""
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        return given
    height, width = inputs[0].shape[2:]
    if given is not None and given != (height, width):
        raise BadArtifact(
            f"{path} takes {height}x{width} pixels, not {given[0]}x{given[1]}",
            hint=f"leave --size out, or say --size {height}x{width}",
        )
    return height, width


def _batch(path: Path, inputs: Sequence[TensorSpec], given: int) -> int:
    """How many images the file takes at once; 1 is what was given where nothing was."""
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        return given
    batch = inputs[0].shape[0]
    if given not in (1, batch):
        raise BadArtifact(
            f"{path} takes {batch} images at once, not {given}", hint="leave --batch out"
        )
    return batch
