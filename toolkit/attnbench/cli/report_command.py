"""`attnbench report`."""

from __future__ import annotations

from pathlib import Path

import click

from attnbench.cli.options import json_option, runs_option
from attnbench.cli.types import Names
from attnbench.errors import UnknownName


@click.command("report")
@click.argument("run_file", metavar="[RUN]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "formats",
    type=Names(),
    metavar="NAMES",
    default="html,md",
    show_default=True,
    help="What to write: html, md, csv (samples, blocks, operators), perfetto (a trace to open).",
)
@runs_option
@json_option
def command(run_file: Path | None, formats: tuple[str, ...], folder: Path, as_json: bool) -> None:
    """Show a stored RUN again, by default the newest, and write its page anew."""
    from rich.console import Console

    from attnbench.cli.console import say, write_json
    from attnbench.report import FORMATS, documents, print_report, write_report
    from attnbench.store import Store

    for name in formats:
        if name not in FORMATS:
            raise UnknownName("format", name, FORMATS)
    store = Store(folder)
    path = run_file or store.latest()
    if run_file is None:
        say(f"taking the newest run: {path}")
    run = store.load(path)
    pages = write_report(run, path.parent, path.stem, formats)
    if as_json:
        write_json(documents.run_document(run))
    else:
        print_report(run, Console())
    for name, page in pages.items():
        say(f"{name}: {page}")
