"""A policy's models, one after the other, and what a workflow of GitHub is told of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import click

from attnbench.cli import outcome
from attnbench.cli.console import say
from attnbench.cli.device_options import Chosen
from attnbench.cli.options import REPRO
from attnbench.cli.policy import Check, Policy
from attnbench.cli.subject import Subject, subject
from attnbench.parity.inputs import Images
from attnbench.pipeline.export import Failure
from attnbench.pipeline.gate import read_baseline, with_delegation, write_baseline
from attnbench.pipeline.localise import Localising
from attnbench.pipeline.run import verify_all
from attnbench.progress import Progress
from attnbench.records import Artifact, Verdict
from attnbench.report import github, markdown
from attnbench.store import Run


def judged(
    policy: Policy, baseline: Path, progress: Progress, *, update: bool
) -> tuple[tuple[Verdict, ...], tuple[Failure, ...]]:
    """Verdicts on all models and devices of a policy, and the exports that failed."""
    made: dict[str, tuple[Artifact, ...]] = {}
    verdicts: list[Verdict] = []
    failures: list[Failure] = []
    before = read_baseline(baseline)
    for check in policy.models:
        say(f"model {check.name}")
        chosen = _subject(check, policy, progress)
        made[check.name] = chosen.artifacts
        failures += chosen.failures
        for artifact, verdict in _verdicts(check, chosen, progress):
            known = verdict if update else with_delegation(check.name, artifact, verdict, before)
            verdicts.append(known)
    if update:
        write_baseline(baseline, made)
        say(f"baseline: {baseline}")
    return tuple(verdicts), tuple(failures)


def _subject(check: Check, policy: Policy, progress: Progress) -> Subject:
    exporting = {"out": Path(policy.out), "blocks": (), "skip": (), "backends": check.to}
    files = () if check.file is None else (Path(check.file),)
    return subject(files, check.recipe(), exporting, progress, check.declared())


def _verdicts(
    check: Check, chosen: Subject, progress: Progress
) -> Iterable[tuple[Artifact, Verdict]]:
    pixels = check.declared().reference
    images = None if check.images is None else Images(Path(check.images), pixels)
    localising = Localising.wanted(None, REPRO)
    for name in check.devices:
        device = Chosen(name).resolve()
        artifacts = outcome.judgeable(chosen, device).artifacts
        found = verify_all(artifacts, device, progress, images, localising)
        yield from zip(artifacts, found, strict=True)


def annotate(run: Run, policy: Path) -> None:
    """Tell the workflow of GitHub in which this runs."""
    for line in github.workflow_commands(run.verdicts, str(policy)):
        click.echo(line, err=True)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(markdown.render(run))
