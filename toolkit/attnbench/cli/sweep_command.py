"""`attnbench sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from attnbench.cli.device_options import Chosen, device_options
from attnbench.cli.numbers import Numbers
from attnbench.cli.options import export_options, json_option, runs_option
from attnbench.cli.sweep_options import sweep_options
from attnbench.cli.types import Names, Size


@click.command("sweep")
@click.option(
    "--block", "models", type=Names(), required=True, help="Attention blocks; none is always there."
)
@click.option(
    "--reduction", "reductions", type=Numbers(1, 4096, whole=True), help="Reduction ratios."
)
@click.option("--width", "widths", type=Numbers(0.05, 8), help="Width multipliers.  [default: 1]")
@click.option("--backbone", metavar="NAME", help="Backbone.  [default: mobilenetv2]")
@click.option("--size", type=Size(), help="Input size, 224 or 192x256.  [default: 224]")
@click.option("--batch", type=click.IntRange(1, 1024), help="Images at once.  [default: 1]")
@click.option("--seed", type=click.IntRange(0), help="Seed of random weights.")
@export_options
@device_options
@click.option("--clusters", type=Names(), help="Of the device's profile: big,little.")
@sweep_options
@runs_option
@json_option
@click.pass_context
def command(
    ctx: click.Context, /, device: Chosen, folder: Path, *, as_json: bool, **given: Any
) -> None:
    """
    Measure many models in turn: every block, reduction, width, backend and number of threads.

    Typed again after an interruption it goes on where it stopped. A cell that fails stops no
    other; the exit code is then that of the first failure.
    """
    from attnbench.cli import studied
    from attnbench.cli.console import Steps
    from attnbench.cli.sweeping import swept
    from attnbench.clock import now
    from attnbench.report.documents import sweep_document
    from attnbench.store import Run

    with Steps() as progress:
        found = swept(given, device.resolve(), folder, progress)
    run = Run(now(), sweeps=(found,))
    studied.show(run, sweep_document([found]) if as_json else None, folder)
    ctx.exit(studied.sweep_code(found))
