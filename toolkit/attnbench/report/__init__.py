"""What a run found out, for people and for programs: terminal, Markdown, HTML and JSON."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from attnbench import files
from attnbench.report import html, junit, markdown, terminal
from attnbench.store import Run

__all__ = [
    "html",
    "junit",
    "markdown",
    "print_report",
    "terminal",
    "write_report",
]


def write_report(run: Run, folder: Path, stem: str) -> dict[str, Path]:
    """Write `<stem>.html` and `<stem>.md` into `folder`; their paths by format."""
    forms = {"html": html.render, "md": markdown.render}
    paths = {suffix: folder / f"{stem}.{suffix}" for suffix in forms}
    for suffix, render in forms.items():
        files.write(paths[suffix], render(run))
    return paths


def print_report(run: Run, console: Console) -> None:
    """Print the report; without colour it says the same."""
    console.print(terminal.render(run, console.width))
