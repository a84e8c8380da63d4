"""The main job: export, parity, profile, and a record of all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attnbench.backends import format_of
from attnbench.clock import now
from attnbench.devices import Device
from attnbench.errors import UnknownOperator
from attnbench.pipeline.computed import check, judgeable
from attnbench.pipeline.effort import Effort
from attnbench.pipeline.export import Failure
from attnbench.pipeline.localise import Localising, localised
from attnbench.pipeline.parity import Question, Questions, verify
from attnbench.pipeline.power import unseen, with_missing
from attnbench.pipeline.profile import profile
from attnbench.pipeline.suspects import explained
from attnbench.progress import Progress, stepping
from attnbench.records import Artifact, Verdict
from attnbench.store import Run


def runnable(artifacts: Sequence[Artifact]) -> tuple[Artifact, ...]:
    """Those that a runtime on this system can load."""
    return tuple(one for one in artifacts if format_of(one.backend).engine is not None)


def known(
    artifacts: Sequence[Artifact], device: Device
) -> tuple[tuple[Artifact, ...], tuple[Failure, ...]]:
    """The artifacts without those whose programs have an operator that is not computed here."""
    found, failures = [], []
    for artifact in artifacts:
        try:
            if judgeable(artifact, device):
                check(artifact)
        except UnknownOperator as error:
            failures.append(Failure(artifact.backend, error))
        else:
            found.append(artifact)
    return tuple(found), tuple(failures)


def verify_all(
    artifacts: Sequence[Artifact],
    questions: Questions,
    device: Device,
    progress: Progress,
    localising: Localising | None = None,
) -> tuple[Verdict, ...]:
    """
    A verdict on every artifact, against the module that it was made from.

    With `localising` also the first block that differs, of those of ours that fail.
    """
    device.identity()  # one that cannot be reached is told of before PyTorch's minutes
    with stepping(progress, "reference in PyTorch"):
        asked = [questions(artifact) for artifact in artifacts]
    verdicts = []
    for artifact, question in zip(artifacts, asked, strict=True):
        with stepping(progress, f"parity {artifact.backend}"):
            verdict = _judged(artifact, question, device)
        if localising is not None and (localising.always or (artifact.scopes and not verdict)):
            with stepping(progress, f"first block that differs in {artifact.backend}"):
                verdict = localised(artifact, verdict, question, device, localising)
        verdicts.append(verdict)
    return tuple(verdicts)


def _judged(artifact: Artifact, question: Question, device: Device) -> Verdict:
    """
    The verdict; where a file that others made fails, with what would make it agree.

    In fewer bits limits are coarse: there one that passes says which attention they do not see.
    """
    verdict = verify(artifact, question, device)
    if verdict:
        coarse = artifact.recipe.precision != "fp32"
        return with_missing(verdict, unseen(artifact, question) if coarse else ())
    reason = explained(artifact, question, device)
    return verdict if reason is None else replace(verdict, notes=(*verdict.notes, reason))


def profile_all(
    artifacts: Sequence[Artifact],
    device: Device,
    effort: Effort,
    progress: Progress,
    verdicts: tuple[Verdict, ...] = (),
) -> Run:
    """A run with one measurement an artifact, and the verdicts that were reached before."""
    measured = tuple(profile(artifact, device, effort, progress) for artifact in artifacts)
    return Run(now(), measurements=measured, verdicts=verdicts)
