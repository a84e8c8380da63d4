"""`attnbench report`."""

from __future__ import annotations

from pathlib import Path

import click

from attnbench.cli.options import json_option, runs_option


@click.command("report")
@click.argument("run_file", metavar="[RUN]", required=False, type=click.Path(path_type=Path))
@runs_option
@json_option
def command(run_file: Path | None, folder: Path, as_json: bool) -> None:
    """Show a stored RUN again, by default the newest, and write its page anew."""
    from rich.console import Console

    from attnbench.cli.console import say, write_json
    from attnbench.report import documents, print_report, write_report
    from attnbench.store import Store

    store = Store(folder)
    path = run_file or store.latest()
    if run_file is None:
        say(f"taking the newest run: {path}")
    run = store.load(path)
    pages = write_report(run, path.parent, path.stem)
    if as_json:
        write_json(documents.run_document(run))
    else:
        print_report(run, Console())
    for name, page in pages.items():
        say(f"{name}: {page}")
