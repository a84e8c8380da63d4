"""`attnbench compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from attnbench.cli.device_options import Chosen, device_options
from attnbench.cli.options import export_options, json_option, runs_option, shape_options
from attnbench.cli.trial_options import trial_options


@click.command("compare")
@click.argument("a")
@click.argument("b")
@shape_options
@click.option(
    "--b",
    "differences",
    multiple=True,
    metavar="KEY=VALUE",
    help="What B has otherwise: threads, cpus, or an option of the model such as width; may be "
    "repeated.",
)
@export_options
@device_options
@trial_options
@runs_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    a: str,
    b: str,
    differences: tuple[str, ...],
    device: Chosen,
    limit: float | None,
    folder: Path,
    as_json: bool,
    **given: Any,
) -> None:
    """
    Hold B against A, launch by launch in turn: two blocks, two artifacts, or two stored runs.

    Says how much slower or faster B is, as a whole and per block, with an interval, or that they
    cannot be told apart at this effort. With --limit exits 1 if B takes more than that above A, 7
    if it may. Where a device counts instructions one pair says all, and the limit is 0.5 %.
    """
    from attnbench.cli import outcome
    from attnbench.cli.compared import Words, compared
    from attnbench.cli.console import Steps
    from attnbench.cli.trial_options import differences_of

    words = Words(a, b, differences_of(ctx, differences))
    with Steps() as progress:
        found = compared(words, device, given, progress, limit=limit)
    outcome.show_comparison(found, None if words.are_stored else folder, as_json=as_json)
    ctx.exit(outcome.comparison_code(found))
