"""Files that other converters made: no manifest, so their reference is named by the user."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from attnbench.backends.formats import FORMATS, Format
from attnbench.errors import BadArtifact, BadOption
from attnbench.files import digest, size
from attnbench.parity.border import RAW, is_image
from attnbench.parity.matching import Declared, bind
from attnbench.pipeline.computed import specs_of
from attnbench.pipeline.reference import example_for, module_for
from attnbench.pipeline.soundness import check_sound
from attnbench.records import Artifact, Binding, Border, Delegation, Pixels, TensorSpec
from attnbench_models import Recipe

IMAGE_CHANNELS = (1, 3)


def foreign(path: Path, recipe: Recipe, declared: Declared | None = None) -> Artifact:
    """
    A file as an artifact whose reference is the recipe's own module, at the file's input size.

    What the file takes and gives comes from the runtime, which loads it, or from its program; it
    has no scopes, so no blocks. Raises BadArtifact for a file that is missing, of a kind that is
    not judged here, or whose tensors are not the reference's; BadOption where it contradicts what
    was declared.
    """
    declared = declared or Declared()
    kind = _kind(path)
    sha256 = digest(path)
    taken, given = specs_of(path, kind, sha256)
    recipe = _sized(path, taken, recipe, declared)
    module = module_for(recipe)
    inputs, outputs = _specs(recipe, module)
    border = _border(inputs, outputs, taken, given, declared)
    return Artifact(
        path=str(path),
        backend=kind.name,
        sha256=sha256,
        bytes=size(path),
        recipe=recipe,
        recipe_key=recipe.key,
        reference=None,
        inputs=inputs,
        outputs=outputs,
        tools={},
        rewrites=(),
        blocks=(),
        scopes=(),
        delegation=Delegation(0, 0),
        border=border,
    )


def _kind(path: Path) -> Format:
    if not path.exists():
        raise BadArtifact(f"{path} does not exist")
    kinds = {one.suffix: one for one in FORMATS.values() if one.engine or one.program}
    kind = kinds.get(path.suffix)
    if kind is None or path.is_dir() != kind.program:
        raise BadArtifact(f"{path}: not a kind of file that can be judged", hint=", ".join(kinds))
    return kind


def _specs(
    recipe: Recipe, module: nn.Module
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """What the reference takes and gives, by the names of its arguments and of its results."""
    example = example_for(recipe, module)
    results = check_sound(module, example)
    names = list(inspect.signature(module.forward).parameters)[: len(example)]
    inputs = (_spec(one, name) for one, name in zip(example, names, strict=True))
    return tuple(inputs), tuple(_spec(one, name or "output") for name, one in results.items())


def _spec(tensor: torch.Tensor, name: str) -> TensorSpec:
    return TensorSpec(str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape), name)


def _border(
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    taken: Sequence[TensorSpec],
    given: Sequence[TensorSpec],
    declared: Declared,
) -> Border:
    if len(taken) != len(inputs):
        raise BadArtifact(
            f"the file takes {len(taken)} inputs, the reference {len(inputs)}",
            hint="is this the model that it was made from?",
        )
    named = _known(declared.names, [*inputs, *outputs])
    bound = bind(inputs, taken, named, "input")
    images = [b for b, spec in zip(bound, inputs, strict=True) if is_image(spec.shape)]
    for one in images:
        if declared.channels_last not in (None, one.channels_last):
            lie = "last" if one.channels_last else "first"
            raise BadOption(f"input {one.name or one.at} of the file has its channels {lie}")
    return Border(
        bound,
        bind(outputs, given, named, "output"),
        declared.reference,
        _pixels_of(images, declared),
    )


def _known(names: Mapping[str, str], ours: Sequence[TensorSpec]) -> Mapping[str, str]:
    """The user's names, if each is one of the reference's."""
    known = [one.name for one in ours]
    for name in names:
        if name not in known:
            raise BadOption(
                f"the reference has no input or output {name!r}",
                hint=f"it has {', '.join(one or '(unnamed)' for one in known)}",
            )
    return names


def _pixels_of(images: Sequence[Binding], declared: Declared) -> Pixels:
    """What the file takes for an image."""
    ours = declared.reference
    usual = RAW if any(one.dtype == "uint8" for one in images) else ours
    return Pixels(
        declared.mean or usual.mean,
        declared.std or usual.std,
        ours.bgr if declared.bgr is None else declared.bgr,
    )


def _sized(path: Path, taken: Sequence[TensorSpec], recipe: Recipe, declared: Declared) -> Recipe:
    """The recipe for the images of the file, or as it was given where that takes no images."""
    if len(taken) != 1 or len(taken[0].shape) != 4:
        return recipe if declared.pixels is None else replace(recipe, size=declared.pixels)
    batch, *rest = taken[0].shape
    height, width = rest[1:] if rest[0] in IMAGE_CHANNELS else rest[:2]
    if declared.pixels is not None and declared.pixels != (height, width):
        asked = "x".join(map(str, declared.pixels))
        raise BadArtifact(
            f"{path} takes {height}x{width} pixels, not {asked}",
            hint=f"leave --size out, or say --size {height}x{width}",
        )
    if recipe.batch not in (1, batch):
        raise BadArtifact(
            f"{path} takes {batch} images at once, not {recipe.batch}", hint="leave --batch out"
        )
    return replace(recipe, size=(height, width), batch=batch)
