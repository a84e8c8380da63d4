"""`attnbench export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from attnbench.cli.options import (
    export_options,
    exporting_from,
    images_option,
    json_option,
    recipe_options,
)


@click.command("export")
@recipe_options
@export_options
@images_option
@click.option(
    "--explain", is_flag=True, help="Say what was rewritten where, and what that is known to buy."
)
@json_option
@click.pass_context
def command(
    ctx: click.Context, /, images: Path | None, *, explain: bool, as_json: bool, **given: Any
) -> None:
    """
    Export a model to one or more runtimes; each artifact is loaded and run once.

    int8 is calibrated on --images, resized and normalised as for ImageNet, or without them on
    synthetic images with a photograph's statistics.
    """
    from attnbench.cli.console import Steps, write_json
    from attnbench.cli.documents import export_document
    from attnbench.cli.exported import show_explanations, show_exports
    from attnbench.cli.subject import failure_lines, request
    from attnbench.pipeline.export import export

    exporting = exporting_from(given)
    wanted = request(given, exporting, images)
    with Steps() as progress:
        made = export(wanted, progress)
    failure_lines(made.failures)
    if as_json:
        write_json(export_document(made.artifacts))
    else:
        show_exports(made.artifacts)
        if explain:
            show_explanations(made.artifacts)
    if made.failures:
        ctx.exit(made.failures[0].error.exit_code)
