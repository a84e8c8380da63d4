"""What a command found out: shown, stored, and turned into an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from attnbench.cli.console import say, write_json
from attnbench.cli.options import NO_RUNTIME
from attnbench.cli.subject import Subject, failure_lines
from attnbench.clock import now
from attnbench.devices import Device
from attnbench.errors import AttributionError, BadOption
from attnbench.files import write
from attnbench.pipeline import computed
from attnbench.pipeline import run as pipeline
from attnbench.pipeline.export import Failure
from attnbench.records import Artifact, Comparison
from attnbench.report import documents, junit, markdown, print_report, write_report
from attnbench.store import Run, Store

FAILED, INCONCLUSIVE = 1, 7
"""Exit codes of verdicts, which are no exceptions."""


def runnable(chosen: Subject) -> tuple[Artifact, ...]:
    """
    The artifacts that a runtime here can load; the others are passed over in one line.

    Failed exports are told of here. Raises BadOption when nothing is left to run, or the first
    failure when that is why.
    """
    return _left(chosen, pipeline.runnable(chosen.artifacts), NO_RUNTIME)


def judgeable(chosen: Subject, device: Device) -> Subject:
    """
    The artifacts whose outputs can be had on a device, as `runnable` has those that can be timed.

    A program with an operator that is not computed here becomes a failure.
    """
    known, unknown = pipeline.known(chosen.artifacts, device)
    chosen = Subject(known, (*chosen.failures, *unknown))
    can = tuple(one for one in known if computed.judgeable(one, device))
    return Subject(_left(chosen, can, elsewhere(device)), chosen.failures)


def elsewhere(device: Device) -> str:
    """Why an artifact is not judged on a device."""
    return f"its program is computed on {computed.HOST} alone, not on {device.name}"


def timed(judged: Subject) -> tuple[Artifact, ...]:
    """Those of the judged artifacts that can be timed as well; the others are named."""
    can = pipeline.runnable(judged.artifacts)
    for artifact in judged.artifacts:
        if artifact not in can:
            say(f"{artifact.backend}: judged, not timed: {NO_RUNTIME}")
    return can


def _left(chosen: Subject, can: tuple[Artifact, ...], why: str) -> tuple[Artifact, ...]:
    """What can be worked on, once it was told what cannot."""
    for artifact in chosen.artifacts:
        if artifact in can:
            continue
        if not can and not chosen.failures:
            raise BadOption(f"{artifact.backend}: {why}", hint="name one of another backend")
        say(f"{artifact.backend}: {why}")
    failure_lines(chosen.failures if can else chosen.failures[1:])
    if not can and chosen.failures:
        raise chosen.failures[0].error
    return can


def exit_code(run: Run, failures: Sequence[Failure], *, strict: bool = False) -> int:
    """
    0, or the first of: 1 parity failed, an export's own code, 6 no time per block.

    A measurement that is not valid is a failure too, if `strict`.
    """
    if not all(run.verdicts) or (strict and not all(m.validity.ok for m in run.measurements)):
        return FAILED
    if failures:
        return failures[0].error.exit_code
    refused = any(one.refusal for one in run.measurements)
    return AttributionError.exit_code if refused else 0


def gate_code(run: Run, failures: Sequence[Failure]) -> int:
    """The same of a gate: 1 also for a latency that fails; 7 if nothing else is wrong but one."""
    outcomes = {one.outcome for one in run.gated}
    if "fail" in outcomes:
        return FAILED
    return exit_code(run, failures) or (INCONCLUSIVE if "inconclusive" in outcomes else 0)


def show_parity(
    run: Run, *, as_json: bool, junit_to: Path | None, markdown_to: Path | None
) -> None:
    """The verdicts, on standard output and into the files asked for."""
    if junit_to is not None:
        write(junit_to, junit.render(run.verdicts, run.gated))
    if markdown_to is not None:
        write(markdown_to, markdown.render(run))
    if as_json:
        write_json(documents.gate_document(run))
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


def show_comparison(found: Sequence[Comparison], folder: Path | None, *, as_json: bool) -> None:
    """Store what was measured, if a folder is given, and show it."""
    run = Run(now(), comparisons=tuple(found))
    paths = {}
    if folder is not None:
        path = Store(folder).add(run)
        paths = {"record": path, **write_report(run, folder, path.stem)}
    if as_json:
        write_json(documents.compare_document(found))
    else:
        print_report(run, Console())
    _where(paths)


def comparison_code(found: Sequence[Comparison]) -> int:
    """1 if one is above its limit, 7 if one may be, else 0."""
    worst = documents.worst(found)
    return {"fail": FAILED, "inconclusive": INCONCLUSIVE}.get(worst or "", 0)


def _where(paths: dict[str, Path]) -> None:
    for name, path in paths.items():
        say(f"{name}: {path}")
