"""`attnbench doctor`."""

from __future__ import annotations

import click

from attnbench.cli.device_options import Chosen, device_options
from attnbench.cli.options import json_option


@click.command("doctor")
@device_options
@json_option
@click.pass_context
def command(ctx: click.Context, /, device: Chosen, as_json: bool) -> None:
    """Check that everything needed is here; exit 3 if something is missing."""
    from rich.console import Console
    from rich.table import Table

    from attnbench.cli.console import write_json
    from attnbench.cli.documents import list_document
    from attnbench.pipeline.doctor import checks

    device.resolve()
    found = list(checks())
    if as_json:
        rows = [{"name": c.name, "ok": c.ok, "found": c.found, "hint": c.hint} for c in found]
        write_json(list_document("checks", rows))
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for one in found:
            mark = "[green]ok[/]" if one.ok else "[red]missing[/]"
            table.add_row(mark, one.name, one.found if one.ok else f"{one.found}; {one.hint}")
        Console().print(table)
    ctx.exit(0 if all(one.ok for one in found) else 3)
