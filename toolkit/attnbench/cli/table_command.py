"""`attnbench table`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from attnbench.cli.device_options import Chosen, device_options
from attnbench.cli.options import export_options, json_option, runs_option
from attnbench.cli.sweep_options import sweep_options


@click.command("table")
@click.argument("name", metavar="NAME")
@click.option("--no-latency", is_flag=True, help="Parameters and MACs alone: nothing is exported.")
@export_options
@device_options
@sweep_options
@runs_option
@json_option
@click.pass_context
def command(
    ctx: click.Context, /, name: str, device: Chosen, folder: Path, *, as_json: bool, **given: Any
) -> None:
    """
    Rebuild a published table: ca-table1, mobilenext, seaformer or senet.

    Parameters, MACs and the latency here stand beside the published numbers, each with a verdict.
    What was not found in a source that could be read is said to be so. A number that differs is
    no failure: the exit code is that of the first model that could not be measured, else 0.
    """
    from attnbench.cli import studied
    from attnbench.cli.console import Steps
    from attnbench.cli.sweeping import swept_recipes
    from attnbench.clock import now
    from attnbench.pipeline.published import read, rebuilt
    from attnbench.progress import stepping
    from attnbench.report.documents import table_document
    from attnbench.store import Run

    table = read(name)
    recipes = tuple(row.recipe for row in table.rows)
    with Steps() as progress:
        sweep = None
        if not given.pop("no_latency"):
            sweep = swept_recipes(recipes, given, device.resolve(), folder, progress)
        with stepping(progress, "parameters and MACs"):
            found = rebuilt(name, table, sweep)
    run = Run(now(), tables=(found,))
    studied.show(run, table_document([found]) if as_json else None, folder)
    ctx.exit(studied.sweep_code(sweep) if sweep else 0)
