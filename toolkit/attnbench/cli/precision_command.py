"""`attnbench precision`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from attnbench.cli.device_options import Chosen, device_options
from attnbench.cli.options import (
    export_options,
    exporting_from,
    images_option,
    json_option,
    recipe_options,
    runs_option,
)


@click.command("precision")
@recipe_options
@export_options
@device_options
@images_option
@click.option("--launches", type=click.IntRange(1), help="Of each file.  [default: 10]")
@click.option("--no-latency", is_flag=True, help="Do not measure what the precision saves.")
@runs_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    device: Chosen,
    images: Path | None,
    launches: int | None,
    folder: Path,
    *,
    no_latency: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """
    What fewer bits cost each block, and what they save: int8, or --precision fp16.

    Each block is rounded alone, all else in float32; beside it stands what has accumulated there
    when everything is rounded. Times are of the same model in float32 and of the artifact.
    """
    from attnbench.cli import studied
    from attnbench.cli.console import Steps
    from attnbench.cli.rounding import precision_losses
    from attnbench.clock import now
    from attnbench.pipeline.effort import effort_on
    from attnbench.report.documents import loss_document
    from attnbench.store import Run

    on = device.resolve()
    effort = None if no_latency else effort_on(on, launches)
    exporting = exporting_from(given, on)
    with Steps() as progress:
        losses, failures = precision_losses(given, exporting, on, effort, progress, images)
    run = Run(now(), losses=losses)
    studied.show(run, loss_document(losses) if as_json else None, folder)
    if failures:
        ctx.exit(failures[0].error.exit_code)
