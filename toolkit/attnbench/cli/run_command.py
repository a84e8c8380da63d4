"""`attnbench run`."""

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
    measure_options,
    recipe_options,
    runs_option,
    strict_option,
)


@click.command("run")
@recipe_options
@export_options
@device_options
@measure_options
@images_option
@runs_option
@strict_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    device: Chosen,
    launches: int | None,
    iterations: int | None,
    threads: int | None,
    cpus: str | None,
    images: Path | None,
    folder: Path,
    strict: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """
    Export, check parity, profile per block and report: the whole job in one command.

    Exits 1 if an artifact differs from PyTorch, 4 if an export failed, 6 if time could not be
    mapped to blocks; what worked is recorded and shown in every case.
    """
    from attnbench.cli import outcome
    from attnbench.cli.console import Steps
    from attnbench.cli.options import cpus_from
    from attnbench.cli.subject import Subject, request
    from attnbench.parity.inputs import Images
    from attnbench.pipeline import run as pipeline
    from attnbench.pipeline.effort import effort_on
    from attnbench.pipeline.export import export
    from attnbench.pipeline.parity import Questions

    on = device.resolve()
    effort = effort_on(on, launches, iterations, threads=threads, cpus=cpus_from(cpus))
    with Steps() as progress:
        made = export(request(given, exporting_from(given, on), images), progress)
        judged = outcome.judgeable(Subject(made.artifacts, made.failures), on)
        questions = Questions(Images(images) if images else None)
        verdicts = pipeline.verify_all(judged.artifacts, questions, on, progress)
        run = pipeline.profile_all(outcome.timed(judged), on, effort, progress, verdicts)
    outcome.show_run(run, folder, as_json=as_json)
    ctx.exit(outcome.exit_code(run, judged.failures, strict=strict))
