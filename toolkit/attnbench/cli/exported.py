"""What was exported, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from attnbench.cli.explained import explanation
from attnbench.records import Artifact, Delegation

IN_A_FILE = 200
"""Columns where nobody looks at the width: a path is not to be broken there."""


def show_exports(made: Sequence[Artifact]) -> None:
    """A table of artifacts, and every operator that fell out of a delegate."""
    if not made:
        return
    console = Console()
    if not console.is_terminal:
        console.width = IN_A_FILE
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("backend", "file", "MB", "delegation"):
        table.add_column(heading, justify="right" if heading == "MB" else "left", overflow="fold")
    for one in made:
        table.add_row(one.backend, one.path, f"{one.bytes / 1e6:.1f}", summary(one))
    console.print(table)
    for one in made:
        fallen = Counter((o.path or "(unknown)", o.operator) for o in one.delegation.outside)
        for (path, operator), count in fallen.items():
            times = f" ({count} times)" if count > 1 else ""
            console.print(f"{one.backend}: {operator} of {path} runs outside the delegate{times}")


def show_explanations(made: Sequence[Artifact]) -> None:
    """What was rewritten in each."""
    for one in made:
        click.echo()
        click.echo("\n".join(explanation(one)))


def summary(artifact: Artifact) -> str:
    """Delegation in a few words."""
    told: Delegation = artifact.delegation
    if artifact.backend == "coreml":
        return f"{told.delegated} operators, read back; the runtime is macOS's"
    if not told.delegates:
        return f"{told.delegated} operators, no delegate"
    delegates = "1 delegate" if told.delegates == 1 else f"{told.delegates} delegates"
    return f"{told.delegated} operators in {delegates}, {len(told.outside)} outside"
