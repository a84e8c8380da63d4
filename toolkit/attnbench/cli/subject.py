"""What `profile` and `parity` work on: named files, a recipe, or what was exported last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from attnbench import artifacts
from attnbench.backends.formats import FORMATS
from attnbench.cli import complain
from attnbench.cli.border_options import names_from, reference_pixels
from attnbench.cli.console import say
from attnbench.cli.options import (
    backends_from,
    recipe_from,
    recipe_given,
    skip_from,
    timed_from,
)
from attnbench.cli.target_option import target_on
from attnbench.errors import BadOption
from attnbench.parity.matching import Declared
from attnbench.pipeline.export import Failure, Request, export
from attnbench.progress import Progress
from attnbench.records import IMAGENET, Artifact


@dataclass(frozen=True, slots=True)
class Subject:
    """Artifacts to work on, and the exports that failed on the way."""

    artifacts: tuple[Artifact, ...]
    failures: tuple[Failure, ...] = ()


def subject(
    files: tuple[Path, ...],
    given: dict[str, Any],
    exporting: dict[str, Any],
    progress: Progress,
    declared: Declared | None = None,
    *,
    changed: bool = False,
    images: Path | None = None,
    timed: bool = False,
) -> Subject:
    """
    The artifacts that the arguments mean.

    Files of ours carry their recipe, and with `changed` may not be as exported; a foreign one takes
    its reference from the recipe options. Without files, a recipe is exported, calibrated on
    `images` and with `timed` only to what can run here; without both, the last export is taken.
    """
    if files and exporting["backends"]:
        raise BadOption("--to exports a recipe; files are what they are")
    if files:
        declared = declared or Declared(pixels=given["size"])
        return Subject(tuple(_file(path, given, declared, changed=changed) for path in files))
    if declared is not None and _of_a_file(declared):
        raise BadOption("--map and --file-... are about a FILE that others made, and there is none")
    if recipe_given(given):
        made = export(request(given, exporting, images, timed=timed), progress)
        return Subject(made.artifacts, made.failures)
    found = artifacts.last(exporting["out"])
    wanted = exporting["backends"]
    if wanted:
        found = tuple(one for one in found if one.backend in backends_from(wanted))
    if not found:
        raise BadOption(
            f"the last export into {exporting['out']} made nothing for {', '.join(wanted)}",
            hint="name the model too, to export it there: --block coord",
        )
    names = ", ".join(Path(one.path).name for one in found)
    say(f"taking what was exported last: {names}")
    return Subject(found)


def request(
    given: dict[str, Any],
    exporting: dict[str, Any],
    images: Path | None = None,
    *,
    timed: bool = False,
) -> Request:
    """The export that the options ask for. Raises UserError for those that do not fit."""
    recipe = recipe_from(given, images)
    choose = timed_from if timed else backends_from
    backends = choose(exporting["backends"], recipe.precision)
    runs = any(FORMATS[one].engine for one in backends)  # else no device is reached for it
    return Request(
        recipe=recipe,
        backends=backends,
        out=exporting["out"],
        skip=skip_from(exporting["skip"]),
        blocks=exporting["blocks"],
        target=target_on(exporting.get("target"), exporting.get("device") if runs else None),
    )


def declared_from(said: dict[str, Any], given: dict[str, Any]) -> Declared:
    """What the border options say of a foreign file, and the recipe's of its size."""
    layout = said["file_layout"]
    return Declared(
        names=names_from(said["names"]),
        reference=reference_pixels(said),
        mean=said["file_mean"],
        std=said["file_std"],
        bgr=said["file_bgr"],
        channels_last=None if layout is None else layout == "nhwc",
        pixels=given["size"],
    )


def _of_a_file(declared: Declared) -> bool:
    """Whether anything was said that only a foreign file has."""
    return replace(declared, reference=IMAGENET, pixels=None) != Declared()


def _file(path: Path, given: dict[str, Any], declared: Declared, *, changed: bool) -> Artifact:
    if not recipe_given(given):
        if _of_a_file(declared):
            raise BadOption(
                f"{path}: without a reference there is nothing to map",
                hint="name it: --model PKG.MOD:FACTORY, or --block with --checkpoint",
            )
        return artifacts.load(path, changed=changed)
    from attnbench.pipeline.foreign import foreign  # which loads torch

    return foreign(path, recipe_from(given), declared)


def failure_lines(failures: Iterable[Failure]) -> None:
    """Say of every failed export what happened and what to do."""
    for one in failures:
        complain(str(one.error), one.error.hint)
