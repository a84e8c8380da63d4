"""What the user says of a file that another converter made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from attnbench.cli.types import Known, PerChannel
from attnbench.errors import BadOption
from attnbench.records import IMAGENET, Pixels

Command = TypeVar("Command", bound=Callable[..., Any])

LAYOUTS = ("nchw", "nhwc")
NAMES = ("names", "mean", "std", "bgr", "file_mean", "file_std", "file_bgr", "file_layout")


def border_options(command: Command) -> Command:
    """How its tensors relate to the reference's, and what either takes for an image."""
    for option in (
        click.option(
            "--file-layout",
            type=Known("layout of images", LAYOUTS),
            help="How images lie in FILE; checked.  [default: as its shapes say]",
        ),
        click.option(
            "--file-bgr/--file-rgb", default=None, help="The order of FILE, where it is another."
        ),
        click.option("--file-std", type=PerChannel(), help="That of FILE, where it is another."),
        click.option("--file-mean", type=PerChannel(), help="That of FILE, where it is another."),
        click.option("--bgr", is_flag=True, help="The model takes BGR, not RGB."),
        click.option(
            "--std", type=PerChannel(), help="What follows the mean.  [default: ImageNet's]"
        ),
        click.option(
            "--mean",
            type=PerChannel(),
            help="What the model takes is (pixel / 255 - mean) / std.  [default: ImageNet's]",
        ),
        click.option(
            "--map",
            "names",
            multiple=True,
            metavar="REFERENCE=FILE",
            help="What FILE calls an input or output of the reference; may be repeated.",
        ),
    ):
        command = option(command)
    return command


def names_from(given: tuple[str, ...]) -> dict[str, str]:
    """The file's names by the reference's. Raises BadOption."""
    names = {}
    for text in given:
        ours, equals, theirs = text.partition("=")
        if not (ours and equals and theirs):
            raise BadOption(f"--map {text!r} is not REFERENCE=FILE")
        names[ours] = theirs
    return names


def reference_pixels(given: dict[str, Any]) -> Pixels:
    """What the reference takes for an image."""
    return Pixels(given["mean"] or IMAGENET.mean, given["std"] or IMAGENET.std, given["bgr"])
