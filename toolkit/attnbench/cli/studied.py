"""Studies, as commands end with them: stored, shown, and turned into an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from attnbench.cli.console import say, write_json
from attnbench.cli.documents import Document
from attnbench.errors import AttributionError
from attnbench.pipeline.export import Failure
from attnbench.records.costs import AttentionCost
from attnbench.records.sweeps import Sweep
from attnbench.report import print_report, write_report
from attnbench.store import Run, Store


def show(run: Run, document: Document | None, folder: Path) -> None:
    """Store a run with its pages, and print it; as the document, if there is one."""
    path = Store(folder).add(run)
    pages = write_report(run, folder, path.stem)
    if document is not None:
        write_json(document)
    else:
        print_report(run, Console())
    for name, place in {"record": path, **pages}.items():
        say(f"{name}: {place}")


def costs_code(found: Sequence[AttentionCost], failures: Sequence[Failure]) -> int:
    """0, or the first of: an export's own code, 6 no second way."""
    if failures:
        return failures[0].error.exit_code
    refused = any(one.attribution is None for one in found)
    return AttributionError.exit_code if refused else 0


def sweep_code(found: Sweep) -> int:
    """0, or that of the first cell that failed."""
    return next((cell.failed.exit_code for cell in found.cells if cell.failed), 0)
