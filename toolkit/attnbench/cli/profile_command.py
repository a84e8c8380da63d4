"""`attnbench profile`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from attnbench.cli.device_options import Chosen, device_options
from attnbench.cli.options import (
    export_options,
    exporting_from,
    json_option,
    measure_options,
    recipe_options,
    runs_option,
    strict_option,
)
from attnbench.cli.quantities import Duration


@click.command("profile")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@recipe_options
@export_options
@device_options
@measure_options
@click.option(
    "--sustained",
    type=Duration(),
    metavar="TIME",
    help="Also load one process for that long, such as 5m: p90 and slope.",
)
@runs_option
@strict_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    files: tuple[Path, ...],
    device: Chosen,
    launches: int | None,
    iterations: int | None,
    threads: int | None,
    cpus: str | None,
    folder: Path,
    strict: bool,
    sustained: float | None,
    as_json: bool,
    **given: Any,
) -> None:
    """
    Measure latency, whole and per block: of FILES, a recipe, or what was exported last.

    Exits 6 if the time could not be mapped to blocks; the latency is recorded all the same.
    """
    from attnbench.cli import outcome
    from attnbench.cli.console import Steps
    from attnbench.cli.options import cpus_from
    from attnbench.cli.subject import subject
    from attnbench.files import check_writable
    from attnbench.pipeline.effort import effort_on, sustained_effort
    from attnbench.pipeline.run import profile_all

    check_writable(folder)  # before the minutes of work
    on = device.resolve()
    effort = effort_on(on, launches, iterations, threads=threads, cpus=cpus_from(cpus))
    if sustained is not None:
        effort = sustained_effort(effort, on, sustained)
    exporting = exporting_from(given, on)
    with Steps() as progress:
        chosen = subject(files, given, exporting, progress, timed=True)
        runnable = outcome.runnable(chosen)
        run = profile_all(runnable, on, effort, progress)
    outcome.show_profile(run, folder, as_json=as_json)
    ctx.exit(outcome.exit_code(run, chosen.failures, strict=strict))
