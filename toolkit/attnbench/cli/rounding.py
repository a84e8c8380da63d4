"""What a precision costs and saves, for each backend that has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attnbench.cli.outcome import judgeable
from attnbench.cli.subject import Subject, request
from attnbench.devices import Device
from attnbench.parity.inputs import Images
from attnbench.pipeline.effort import Effort
from attnbench.pipeline.export import Failure, Outcome, export
from attnbench.pipeline.losses import in_float32, losses, timed
from attnbench.pipeline.profile import profile
from attnbench.progress import Progress, stepping
from attnbench.records.losses import PrecisionLoss


def precision_losses(
    given: dict[str, Any],
    exporting: dict[str, Any],
    device: Device,
    effort: Effort | None,
    progress: Progress,
    images: Path | None,
) -> tuple[tuple[PrecisionLoss, ...], tuple[Failure, ...]]:
    """The losses of every artifact that could be made, with times if an effort is to be made."""
    given = {**given, "precision": given["precision"] or "int8"}
    wanted = request(given, exporting, images)
    single = Outcome((), ()) if effort is None else export(in_float32(wanted), progress)
    made = export(wanted, progress)
    failures = (*single.failures, *made.failures)
    chosen = judgeable(Subject(made.artifacts, failures), device)
    shown = Images(images) if images else None
    before = {one.backend: one for one in single.artifacts}
    told = []
    for artifact in chosen.artifacts:
        with stepping(progress, f"{artifact.backend}, each block rounded alone"):
            loss = losses(artifact, device, shown)
        if effort is not None and artifact.backend in before:
            both = (before[artifact.backend], artifact)
            loss = timed(loss, *(profile(one, device, effort, progress) for one in both))
        told.append(loss)
    return tuple(told), chosen.failures
