"""The history of stored runs, shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from attnbench.cli.console import say, write_json
from attnbench.clock import now
from attnbench.errors import BadOption
from attnbench.files import write
from attnbench.pipeline.history import Wanted, histories, taken
from attnbench.report import html, markdown, print_report
from attnbench.report.documents import history_document
from attnbench.store import Run, Store

FORMS = {"md": markdown.render, "html": html.render}


def show(folder: Path, wanted: Wanted, files: Mapping[str, Path | None], *, as_json: bool) -> None:
    """
    Print what is wanted of a folder's runs, and write it into the files that are given, by form.

    Raises BadOption if there is nothing.
    """
    found, unread = taken(Store(folder))
    for line in unread:
        say(f"left out: {line}")
    shown = histories(found, wanted)
    if not shown:
        raise BadOption(
            f"no such measurement among the {len(found)} in {folder}",
            hint="`attnbench profile --block coord` makes one",
        )
    run = Run(now(), histories=shown)
    for form, path in files.items():
        if path is not None:
            write(path, FORMS[form](run))
    if as_json:
        write_json(history_document(shown))
    else:
        print_report(run, Console())
