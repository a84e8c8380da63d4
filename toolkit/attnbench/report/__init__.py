"""What a run found out, for people and for programs: terminal, pages, JSON, CSV, traces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from attnbench import files
from attnbench.report import html, junit, markdown, sheets, terminal, trace_events
from attnbench.store import Run

__all__ = [
    "FORMATS",
    "html",
    "junit",
    "markdown",
    "print_report",
    "terminal",
    "write_report",
]

FORMATS: Mapping[str, Callable[[Run], Mapping[str, str]]] = {
    "html": lambda run: {"html": html.render(run)},
    "md": lambda run: {"md": markdown.render(run)},
    "csv": lambda run: {f"{name}.csv": text for name, text in sheets.sheets(run).items()},
    "perfetto": lambda run: {"perfetto-trace": trace_events.render(run)},
}
"""Each format's files: their suffixes and their contents. None ends like a record, in .json."""


def write_report(
    run: Run, folder: Path, stem: str, formats: Sequence[str] = ("html", "md")
) -> dict[str, Path]:
    """Write `<stem>.html` and `<stem>.md`, or other formats, into `folder`; paths by suffix."""
    texts = {suffix: text for name in formats for suffix, text in FORMATS[name](run).items()}
    paths = {suffix: folder / f"{stem}.{suffix}" for suffix in texts}
    for suffix, text in texts.items():
        files.write(paths[suffix], text)
    return paths


def print_report(run: Run, console: Console) -> None:
    """Print the report; without colour it says the same."""
    console.print(terminal.render(run, console.width))
