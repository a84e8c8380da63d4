"""A policy's models, one after the other, and what a workflow of GitHub is told of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from attnbench.cli import outcome
from attnbench.cli.console import say
from attnbench.cli.device_options import Chosen
from attnbench.cli.latency_policy import LatencyGating
from attnbench.cli.policy import Check, Policy
from attnbench.cli.subject import Subject, failure_lines, subject
from attnbench.devices import Device
from attnbench.errors import BadOption
from attnbench.parity.inputs import Images
from attnbench.pipeline import run as pipeline
from attnbench.pipeline.accuracy import with_accuracy
from attnbench.pipeline.computed import judgeable
from attnbench.pipeline.export import Failure
from attnbench.pipeline.gate import (
    Baseline,
    check_allowed,
    read_baseline,
    with_adjustment,
    with_blind_spots,
    with_delegation,
    write_baseline,
)
from attnbench.pipeline.localise import Localising
from attnbench.pipeline.parity import Questions
from attnbench.pipeline.power import with_power
from attnbench.progress import Progress
from attnbench.records import Artifact, Verdict
from attnbench.report import github, markdown
from attnbench.store import Run


def judged(
    policy: Policy, baseline: Path, timed: LatencyGating, progress: Progress, *, update: bool
) -> tuple[tuple[Verdict, ...], tuple[Failure, ...]]:
    """
    Verdicts on all models and devices of a policy, and what could not be exported or computed.

    One that fails stops no other. The baseline is updated if there is an artifact of every model.
    Latency is left to `timed`.
    """
    made: dict[str, tuple[Artifact, ...]] = {}
    verdicts: list[Verdict] = []
    failures: list[Failure] = []
    before = None if update else read_baseline(baseline)
    for check in policy.models:
        say(f"model {check.name}")
        chosen = _subject(check, policy, progress)
        for artifact in chosen.artifacts[:1]:
            check_allowed(artifact, check.allowed_blind_spots or ())
        made[check.name] = chosen.artifacts
        failed = list(chosen.failures)
        found: list[tuple[Artifact, Verdict]] = []
        questions = Questions(_shown(check), check.adjustment())
        for name in check.devices:
            pairs, unknown = _verdicts(check, chosen, questions, Chosen(name).resolve(), progress)
            found += pairs
            failed += unknown
        verdicts += _completed(check, found, questions, before, progress)
        if check.latency is not None:
            devices = check.latency.devices or check.devices
            timed.take(check.name, check.latency.terms(check.name), devices, chosen.artifacts)
        failure_lines(failed)
        failures += failed
    if update and not failures:
        write_baseline(baseline, made)
        timed.finish()
        say(f"baseline: {baseline}")
    return tuple(verdicts), tuple(failures)


def _subject(check: Check, policy: Policy, progress: Progress) -> Subject:
    exporting = {
        "out": Path(policy.out),
        "blocks": (),
        "skip": (),
        "backends": check.to,
        "target": check.target,
    }
    files = () if check.file is None else (Path(check.file),)
    images = None if check.images is None else Path(check.images)
    declared = check.declared()
    return subject(files, check.recipe(), exporting, progress, declared, images=images)


def _verdicts(
    check: Check, chosen: Subject, questions: Questions, device: Device, progress: Progress
) -> tuple[Iterable[tuple[Artifact, Verdict]], tuple[Failure, ...]]:
    """The artifacts that can be judged there with their verdicts; raises BadOption for none."""
    known, unknown = pipeline.known(chosen.artifacts, device)
    artifacts = tuple(one for one in known if judgeable(one, device))
    if known and not artifacts:
        why = outcome.elsewhere(device)
        raise BadOption(f"model {check.name} cannot be judged on {device.name}: {why}")
    localising = Localising.wanted(None)
    verdicts = pipeline.verify_all(artifacts, questions, device, progress, localising)
    if check.accuracy is not None:
        folder, most = check.accuracy.terms(check.name)
        images = Images(folder, check.declared().reference)
        verdicts = with_accuracy(artifacts, verdicts, images, device, progress, most)
    return zip(artifacts, verdicts, strict=True), unknown


def _completed(
    check: Check,
    found: Sequence[tuple[Artifact, Verdict]],
    questions: Questions,
    before: Baseline | None,
    progress: Progress,
) -> Iterator[Verdict]:
    """The verdicts of a model with all else that a policy judges: no device changes that."""
    artifacts, verdicts = [one for one, _ in found], tuple(one for _, one in found)
    own, allowed = check.adjustment(), check.allowed_blind_spots
    if allowed is not None:
        verdicts = with_power(artifacts, verdicts, questions, progress)
    for artifact, verdict in zip(artifacts, verdicts, strict=True):
        told = with_blind_spots(with_adjustment(verdict, artifact, own), allowed or ())
        yield with_delegation(check.name, artifact, told, before)


def _shown(check: Check) -> Images | None:
    if check.images is None:
        return None
    return Images(Path(check.images), check.declared().reference)


def annotate(run: Run, policy: Path) -> None:
    """Tell the workflow of GitHub in which this runs."""
    for line in (
        *github.workflow_commands(run.verdicts, str(policy)),
        *github.latency_commands(run.gated, str(policy)),
    ):
        click.echo(line, err=True)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(markdown.render(run))
