"""Terminal output: progress on standard error, results on standard output."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

import click
from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Steps:
    """
    Shows steps as they run: spinners on a terminal, a line at each end anywhere else.

    A context manager; see attnbench.progress.Progress for begin and end.
    """

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self.live = self.console.is_terminal
        self.bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        )
        self.tasks: dict[str, TaskID] = {}
        self.began: dict[str, float] = {}

    def __enter__(self) -> Steps:
        if self.live:
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.bars.stop()

    def begin(self, step: str) -> None:
        """See Progress."""
        self.began[step] = time.monotonic()
        if self.live:
            self.tasks[step] = self.bars.add_task(step)

    def end(self, step: str, outcome: str) -> None:
        """See Progress."""
        seconds = time.monotonic() - self.began.pop(step)
        if step in self.tasks:
            self.bars.remove_task(self.tasks.pop(step))
        self.console.print(f"{step}: {outcome} ({seconds:.1f} s)", highlight=False, style="dim")


def say(text: str) -> None:
    """One line for the reader, apart from the results."""
    click.echo(text, err=True)


def write_json(document: Mapping[str, object]) -> None:
    """One document on standard output."""
    import msgspec

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    sys.stdout.flush()


__all__ = ["Steps", "say", "write_json"]
