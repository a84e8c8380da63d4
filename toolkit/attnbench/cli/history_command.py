"""`attnbench history`."""

from __future__ import annotations

from pathlib import Path

import click

from attnbench.cli.options import json_option, runs_option
from attnbench.cli.types import Names


@click.command("history")
@click.option("--block", metavar="NAME", help="Of that attention block alone.")
@click.option("--backbone", metavar="NAME", help="Of that backbone alone.")
@click.option("--to", "backends", type=Names(), help="In these runtimes alone.")
@click.option("--device", metavar="NAME", help="On that device alone.")
@click.option(
    "--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Write it as Markdown too."
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page too.")
@runs_option
@json_option
def command(
    block: str | None,
    backbone: str | None,
    backends: tuple[str, ...] | None,
    device: str | None,
    markdown: Path | None,
    html: Path | None,
    folder: Path,
    *,
    as_json: bool,
) -> None:
    """
    Show what was measured of each model over time, from the stored runs.

    Measurements of unlike environments, such as another version of a runtime or another governor,
    are shown apart, with what is different; nothing is held against one of another environment.
    """
    from rich.console import Console

    from attnbench.cli.console import say, write_json
    from attnbench.clock import now
    from attnbench.errors import BadOption
    from attnbench.files import write
    from attnbench.pipeline.history import Wanted, histories, taken
    from attnbench.report import html as page
    from attnbench.report import markdown as text
    from attnbench.report import print_report
    from attnbench.report.documents import history_document
    from attnbench.store import Run, Store

    found, unread = taken(Store(folder))
    for line in unread:
        say(f"left out: {line}")
    shown = histories(found, Wanted(device, backends, backbone, block))
    if not shown:
        raise BadOption(
            f"no such measurement among the {len(found)} in {folder}",
            hint="`attnbench profile --block coord` makes one",
        )
    run = Run(now(), histories=shown)
    for path, render in ((markdown, text.render), (html, page.render)):
        if path is not None:
            write(path, render(run))
    if as_json:
        write_json(history_document(shown))
    else:
        print_report(run, Console())
