"""What a command found out: shown, stored, and turned into an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from attnbench.cli.console import say, write_json
from attnbench.cli.subject import Subject
from attnbench.errors import AttributionError, BadOption
from attnbench.files import write
from attnbench.pipeline import run as pipeline
from attnbench.pipeline.export import Failure
from attnbench.records import Artifact
from attnbench.report import documents, junit, markdown, print_report, write_report
from attnbench.store import Run, Store


def runnable(chosen: Subject, named: Sequence[str] | None) -> tuple[Artifact, ...]:
    """
    The artifacts that a runtime here can load; the others are passed over in one line.

    Raises BadOption when one that cannot run was asked for by name, the exports' own error when
    nothing is left because all failed.
    """
    can = pipeline.runnable(chosen.artifacts)
    for artifact in chosen.artifacts:
        if artifact in can:
            continue
        if named and artifact.backend in named and len(named) == 1:
            raise BadOption(f"{artifact.backend} artifacts are converted and checked, not run here")
        say(f"{artifact.backend}: converted and listed; there is no runtime for it on this system")
    if not can and chosen.failures:
        raise chosen.failures[0].error
    return can


def exit_code(run: Run, failures: Sequence[Failure]) -> int:
    """0, or the first of: 1 parity failed, an export's own code, 6 no time per block."""
    if not all(run.verdicts):
        return 1
    if failures:
        return failures[0].error.exit_code
    refused = any(one.refusal for one in run.measurements)
    return AttributionError.exit_code if refused else 0


def show_parity(
    run: Run, *, as_json: bool, junit_to: Path | None, markdown_to: Path | None
) -> None:
    """The verdicts, on standard output and into the files asked for."""
    if junit_to is not None:
        write(junit_to, junit.render(run.verdicts))
    if markdown_to is not None:
        write(markdown_to, markdown.render(run))
    if as_json:
        write_json(documents.parity_document(run.verdicts))
    else:
        print_report(run, Console())


def show_profile(run: Run, folder: Path, *, as_json: bool) -> None:
    """Store the measurements and show them."""
    path = Store(folder).add(run)
    pages = write_report(run, folder, path.stem)
    if as_json:
        write_json(documents.profile_document(run.measurements))
    else:
        print_report(run, Console())
    _where({"record": path, **pages})


def show_run(run: Run, folder: Path, *, as_json: bool) -> None:
    """Store everything and show it."""
    path = Store(folder).add(run)
    pages = write_report(run, folder, path.stem)
    if as_json:
        write_json(documents.run_document(run))
    else:
        print_report(run, Console())
    _where({"record": path, **pages})


def _where(paths: dict[str, Path]) -> None:
    for name, path in paths.items():
        say(f"{name}: {path}")
