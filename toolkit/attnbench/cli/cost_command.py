"""`attnbench cost`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from attnbench.cli.device_options import Chosen, device_options
from attnbench.cli.options import (
    export_options,
    exporting_from,
    json_option,
    runs_option,
    shape_options,
)


@click.command("cost")
@click.option(
    "--block",
    metavar="NAME|FILE.py:CLASS",
    required=True,
    help="Attention block, or `native` for the backbone's own.",
)
@shape_options
@export_options
@device_options
@click.option(
    "--rounds",
    type=click.IntRange(6),
    help="Of four launches, two without and two with attention.  [default: 8]",
)
@click.option("--iterations", type=click.IntRange(1), help="A launch.  [default: 20]")
@click.option("--threads", type=click.IntRange(1, 1024), help="[default: the device profile's]")
@click.option("--cpus", metavar="LIST", help="Processors to run on, such as 0,2-3.")
@click.option("--order-seed", type=click.IntRange(0), help="Of the rounds' random orders.")
@click.option("--no-peaks", is_flag=True, help="No roofline: do not measure the device's peaks.")
@runs_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    device: Chosen,
    rounds: int | None,
    iterations: int | None,
    threads: int | None,
    cpus: str | None,
    order_seed: int | None,
    folder: Path,
    *,
    no_peaks: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """
    What attention costs: with and without it in turn, and by its blocks' own time.

    Says whether the two ways agree, and where not, what else changed. Each block stands beside its
    parameters, MACs and bytes, and beside the time that the device's peaks allow for them.
    Exits 6 if time could not be mapped to blocks.
    """
    from attnbench.cli import studied
    from attnbench.cli.console import Steps
    from attnbench.cli.costing import Measuring, costs
    from attnbench.cli.options import cpus_from
    from attnbench.clock import now
    from attnbench.report.documents import cost_document
    from attnbench.store import Run

    on = device.resolve()
    exporting = exporting_from(given, on)
    measuring = Measuring(rounds, iterations, threads, cpus_from(cpus), order_seed)
    with Steps() as progress:
        found, failures = costs(given, exporting, on, measuring, progress, peaks=not no_peaks)
    run = Run(now(), costs=found)
    studied.show(run, cost_document(found) if as_json else None, folder)
    ctx.exit(studied.costs_code(found, failures))
