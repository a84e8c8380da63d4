"""`attnbench compare`."""

from __future__ import annotations

from typing import Any

import click

from attnbench.cli.device_options import Chosen, device_options
from attnbench.cli.options import export_options, json_option, shape_options


@click.command("compare")
@click.argument("a")
@click.argument("b")
@shape_options
@export_options
@device_options
@click.option(
    "--limit",
    type=click.FloatRange(0, 1000),
    default=0.5,
    show_default=True,
    metavar="PERCENT",
    help="How much B may take above A.",
)
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    a: str,
    b: str,
    device: Chosen,
    limit: float,
    as_json: bool,
    **given: Any,
) -> None:
    """
    Hold B against A in instruction time: two blocks, two artifacts, or two stored runs.

    Exits 1 if B executes more than --limit above A. An alarm for code that became longer: it sees
    neither caches nor memory, so it does not say which of the two is faster.
    """
    from rich.console import Console

    from attnbench.cli.compared import compared
    from attnbench.cli.console import Steps, write_json
    from attnbench.report import documents, print_comparisons

    with Steps() as progress:
        found = compared(a, b, device, given, progress, limit=limit / 100)
    if as_json:
        write_json(documents.compare_document(found))
    else:
        print_comparisons(found, Console())
    ctx.exit(0 if all(found) else 1)
