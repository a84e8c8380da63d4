"""`--dataset`: images whose classes are known."""

from __future__ import annotations

from pathlib import Path

import click

from attnbench.errors import BadOption

KIND = "imagefolder:"

dataset_option = click.option(
    "--dataset",
    metavar=f"{KIND}DIR",
    help="Top-1 of both on labelled images: in DIR a folder for each class, in their order.",
)


def folder_of(text: str) -> Path:
    """The folder of a dataset. Raises BadOption for another kind, or one that is not there."""
    folder = Path(text.removeprefix(KIND))
    if not text.startswith(KIND):
        raise BadOption(f"--dataset {text!r} is no {KIND}DIR")
    if not folder.is_dir():
        raise BadOption(f"--dataset: {folder} is not a folder")
    return folder
