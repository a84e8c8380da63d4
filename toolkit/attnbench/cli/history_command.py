"""`attnbench history`."""

from __future__ import annotations

from pathlib import Path

import click

from attnbench.cli.options import json_option, runs_option
from attnbench.cli.types import Names


@click.command("history")
@click.option("--block", metavar="NAME", help="Of that attention block alone.")
@click.option("--backbone", metavar="NAME", help="Of that backbone alone.")
@click.option("--to", "backends", type=Names(), help="In these runtimes alone.")
@click.option("--device", metavar="NAME", help="On that device alone.")
@click.option(
    "--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Write it as Markdown too."
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page too.")
@runs_option
@json_option
def command(
    block: str | None,
    backbone: str | None,
    backends: tuple[str, ...] | None,
    device: str | None,
    markdown: Path | None,
    html: Path | None,
    folder: Path,
    *,
    as_json: bool,
) -> None:
    """
    Show what was measured of each model over time, from the stored runs.

    Measurements of unlike environments, such as another version of a runtime or another governor,
    are shown apart, with what is different; nothing is held against one of another environment.
    """
    from attnbench.cli.remembered import show
    from attnbench.pipeline.history import Wanted

    files = {"md": markdown, "html": html}
    show(folder, Wanted(device, backends, backbone, block), files, as_json=as_json)
