"""Options that several commands share, and what they mean together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from attnbench.backends.formats import FORMATS
from attnbench.cli.keywords import block_options
from attnbench.cli.target_option import Identified, target_option
from attnbench.cli.types import Known, Names, Size
from attnbench.errors import BadModel, BadOption, UnknownName
from attnbench.files import digest
from attnbench_models import Recipe
from attnbench_models.backbones import BACKBONES
from attnbench_models.blocks import BLOCKS

Command = TypeVar("Command", bound=Callable[..., Any])

ARTIFACTS = Path("artifacts")
RUNS = Path("reports/runs")
LAYOUTS = ("attnbench", "official")
NO_RUNTIME = "there is no runtime for it on this system"
PRECISIONS = ("fp32", "fp16", "int8")

SHAPE_OPTIONS = (
    click.option("--backbone", metavar="NAME", help="Backbone.  [default: mobilenetv2]"),
    click.option("--reduction", type=click.IntRange(1), help="The block's reduction ratio."),
    click.option(
        "--option",
        "options",
        multiple=True,
        metavar="KEY=VALUE",
        help="Any other keyword of the block; may be repeated.",
    ),
    click.option("--size", type=Size(), help="Input size, 224 or 192x256.  [default: 224]"),
    click.option("--batch", type=click.IntRange(1, 1024), help="Images at once.  [default: 1]"),
    click.option("--width", type=click.FloatRange(0.05, 8), help="Width multiplier."),
    click.option("--seed", type=click.IntRange(0), help="Seed of random weights."),
    click.option(
        "--precision",
        type=Known("precision", PRECISIONS),
        help="Number format of the artifact.  [default: fp32]",
    ),
)
"""What two models have in common that differ in their block."""

RECIPE_OPTIONS = (
    click.option(
        "--block",
        metavar="NAME|FILE.py:CLASS",
        help="Attention block: a registered name, or your own Block(channels).",
    ),
    *SHAPE_OPTIONS,
    click.option(
        "--model",
        metavar="PKG.MOD:FACTORY|FILE.py:FACTORY",
        help="Your own nn.Module instead of a backbone.",
    ),
    click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        help="Weights: a state_dict or safetensors file.",
    ),
    click.option(
        "--layout",
        type=Known("layout", LAYOUTS),
        help="Whose key names the checkpoint uses.  [default: attnbench]",
    ),
    click.option(
        "--prune",
        type=click.FloatRange(0),
        metavar="SCALE",
        help="Remove channels whose BatchNorm scale is at most this.",
    ),
    click.option(
        "--keep-float",
        "keep_float",
        multiple=True,
        metavar="MODULE",
        help="Leave a module in float32, such as features.3.attention; may be repeated.",
    ),
)


def recipe_options(command: Command) -> Command:
    """The options that describe a model, as keywords of RecipeArguments."""
    for option in reversed(RECIPE_OPTIONS):
        command = option(command)
    return command


def shape_options(command: Command) -> Command:
    """Those of them that do not say which block or weights."""
    for option in reversed(SHAPE_OPTIONS):
        command = option(command)
    return command


def export_options(command: Command) -> Command:
    """How a recipe becomes artifacts."""
    for option in (
        click.option(
            "--out",
            type=click.Path(path_type=Path, file_okay=False),
            default=ARTIFACTS,
            show_default=True,
            help="Folder of the artifacts.",
        ),
        click.option(
            "--blocks",
            multiple=True,
            metavar="GLOB",
            help="More modules to time on their own, as attention; may be repeated.",
        ),
        click.option(
            "--no-rewrite",
            "skip",
            multiple=True,
            metavar="NAME",
            help="Leave a rewrite out, to see what it buys; may be repeated, `all` for all.",
        ),
        target_option,
        click.option(
            "--to",
            "backends",
            type=Names(),
            help=f"Backends, of {','.join(FORMATS)}.  [default: all with the precision]",
        ),
    ):
        command = option(command)
    return command


def exporting_from(given: dict[str, Any], device: Identified | None = None) -> dict[str, Any]:
    """What `export_options` have given, taken out of all that was given, and for which device."""
    taken = {name: given.pop(name) for name in ("out", "blocks", "skip", "backends", "target")}
    return taken | {"device": device}


strict_option = click.option(
    "--strict", is_flag=True, help="Exit 1 if a measurement is not valid (docs/statistics.md)."
)

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")

runs_option = click.option(
    "--runs",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=RUNS,
    show_default=True,
    help="Folder of the records and pages.",
)

images_option = click.option(
    "--images",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of your own images.",
)


def measure_options(command: Command) -> Command:
    """How much to measure."""
    for option in (
        click.option("--cpus", metavar="LIST", help="Processors to run on, such as 0,2-3."),
        click.option(
            "--threads", type=click.IntRange(1, 1024), help="[default: the device profile's]"
        ),
        click.option(
            "--iterations",
            type=click.IntRange(1),
            help="Of each.  [default: 50; 3 in instruction time]",
        ),
        click.option(
            "--launches",
            type=click.IntRange(1),
            help="Processes; intervals are over these.  [default: 10; 1 in instruction time]",
        ),
    ):
        command = option(command)
    return command


def recipe_from(given: dict[str, Any], images: Path | None = None) -> Recipe:
    """
    The recipe that the options describe, checked as far as that needs no torch.

    One in int8 is calibrated on the images. Raises UnknownName, BadOption or BadModel.
    """
    _check(given)
    backbone, precision = given["backbone"] or "mobilenetv2", given["precision"] or "fp32"
    images = images if precision == "int8" else None
    checkpoint: Path | None = given["checkpoint"]
    return Recipe(
        backbone=backbone,
        block=given["block"],
        options=block_options(given),
        width=given["width"] or 1.0,
        size=given["size"] or BACKBONES[backbone].size,
        batch=given["batch"] or 1,
        seed=given["seed"] or 0,
        checkpoint=str(checkpoint) if checkpoint else None,
        checkpoint_sha256=_sha256(checkpoint) if checkpoint else None,
        layout=given["layout"] or "attnbench",
        model=given["model"],
        prune=given["prune"],
        precision=precision,
        keep_float=tuple(sorted(set(given.get("keep_float") or ()))),
        calibration=str(images) if images else None,
        calibration_sha256=digest(images) if images else None,
    )


def _check(given: dict[str, Any]) -> None:
    """Raise UnknownName or BadOption for what is not there or does not go together."""
    block, backbone = given["block"], given["backbone"]
    if given["model"] and (block or backbone):
        raise BadOption("--model is the whole model: it goes with neither --block nor --backbone")
    if block is not None and ":" not in block and block not in BLOCKS:
        raise UnknownName("block", block, BLOCKS)
    if backbone and backbone not in BACKBONES:
        raise UnknownName("backbone", backbone, BACKBONES)
    if given.get("keep_float") and given["precision"] in (None, "fp32"):
        raise BadOption("--keep-float goes with --precision fp16 or int8: all is float32")
    if given["layout"] and not given["checkpoint"]:
        raise BadOption("--layout says how to read a --checkpoint, and there is none")


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise BadModel(f"{path}: {error.strerror}", hint="--checkpoint takes a file") from error


def recipe_given(given: dict[str, Any]) -> bool:
    """Whether any option describes a model."""
    return any(value not in (None, ()) for value in given.values())


def backends_from(names: tuple[str, ...] | None, precision: str = "fp32") -> tuple[str, ...]:
    """The backends asked for, else all of ours that have the precision. Raises UnknownName."""
    if names is None:
        return tuple(name for name, one in FORMATS.items() if precision in one.precisions)
    from attnbench.backends import BACKENDS

    known = BACKENDS.names()
    for name in names:
        if name not in known:
            raise UnknownName("backend", name, known)
    return names


def timed_from(names: tuple[str, ...] | None, precision: str = "fp32") -> tuple[str, ...]:
    """
    Those of `backends_from` that have a runtime here; of others that were asked for it is said.

    Raises BadOption where that leaves none.
    """
    from attnbench.cli.console import say  # which loads rich

    asked = backends_from(names, precision)
    timed = tuple(name for name in asked if name not in FORMATS or FORMATS[name].engine)
    if not timed:
        raise BadOption(f"{asked[0]}: {NO_RUNTIME}", hint="name one of another backend")
    for name in asked if names else ():
        if name not in timed:
            say(f"{name}: {NO_RUNTIME}")
    return timed


def cpus_from(text: str | None) -> tuple[int, ...]:
    """Processor numbers from `0,2-3`. Raises BadOption."""
    if text is None:
        return ()
    cpus: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdigit() and (last.isdigit() or not dash)):
            raise BadOption(f"--cpus {text!r} is not a list such as 0,2-3")
        cpus.extend(range(int(first), int(last or first) + 1))
    return tuple(dict.fromkeys(cpus))


def skip_from(names: tuple[str, ...]) -> tuple[str, ...]:
    """The rewrites to leave out. Raises UnknownName; asks torch only when some are named."""
    if not names:
        return ()
    from attnbench.rewrites import REWRITES

    known = [one.name for one in REWRITES]
    for name in names:
        if name not in (*known, "all"):
            raise UnknownName("rewrite", name, known)
    return tuple(sorted(known if "all" in names else set(names)))
