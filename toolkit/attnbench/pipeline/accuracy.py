"""Top-1 of a reference and of its artifacts on a folder of labelled images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from attnbench.devices import Device
from attnbench.errors import BadInput
from attnbench.parity.accuracy import CHANCE, Accuracy
from attnbench.parity.border import feedable
from attnbench.parity.cases import Expected
from attnbench.parity.inputs import Images, image_inputs
from attnbench.parity.metrics import Array
from attnbench.pipeline.parity import Question, computed_on
from attnbench.pipeline.reference import reference_of
from attnbench.progress import Progress, stepping
from attnbench.records import Artifact, Case, Verdict


def with_accuracy(
    artifacts: Sequence[Artifact],
    verdicts: Sequence[Verdict],
    images: Images,
    device: Device,
    progress: Progress,
    most: float | None = None,
) -> tuple[Verdict, ...]:
    """
    The verdicts, each with a note of the artifact's top-1 beside its reference's.

    With `most`, the share of all images by which it may be less, they fail where it is less than
    that. The folder has one of images for each class, in the order of the classes. Raises BadInput
    for models that do not return one row of scores, and where there is another number of classes.
    """
    noted = []
    for artifact, verdict in zip(artifacts, verdicts, strict=True):
        with stepping(progress, f"top-1 of {artifact.backend}"):
            found = accuracy(artifact, images, device)
        note = f"{images.folder.name}: {found}"
        told = replace(verdict, notes=(*verdict.notes, note))
        noted.append(told if most is None else held_to(told, images.folder.name, found, most))
    return tuple(noted)


def held_to(verdict: Verdict, name: str, found: Accuracy, most: float) -> Verdict:
    """
    A verdict that also fails where top-1 has dropped by more than a share, and not by chance.

    Where a larger drop may be chance it passes, blind: more images decide.
    """
    drop = max(0.0, found.drop)
    chance = found.p > CHANCE
    case = Case(name, "top1_drop", "", drop, most, "lower", passed=drop <= most or chance)
    verdict = replace(verdict, cases=(*verdict.cases, case))
    if drop > most and chance:
        reason = (
            f"{name}: top-1 is less by {drop:.1%}, which may be chance in {found.images} images "
            f"(p = {found.p:.2g}), and {most:.1%} are accepted; more images decide"
        )
        return replace(verdict, blind=(*verdict.blind, reason))
    if found.told_apart <= most:
        return verdict
    note = (
        f"{name}: of {found.images} images no drop below {found.told_apart:.1%} can be told from "
        f"chance, and {most:.1%} are accepted"
    )
    return replace(verdict, notes=(*verdict.notes, note))


def accuracy(artifact: Artifact, images: Images, device: Device) -> Accuracy:
    """Of the images in one class's folder after the other."""
    module, classes = reference_of(artifact), _classes(images.folder)
    truth: list[int] = []
    predicted: tuple[list[int], list[int]] = ([], [])
    for label, folder in enumerate(classes):
        shown = image_inputs(replace(images, folder=folder), artifact.inputs[0])
        if artifact.border is not None:
            shown = {name: feedable(artifact.border, one) for name, one in shown.items()}
        expected = tuple(_expected(module, shown, len(classes)))
        got = computed_on(artifact, device, Question(shown, expected))
        truth += [label] * len(shown)
        predicted[0].extend(int(one.single[0].argmax()) for one in expected)
        predicted[1].extend(int(outputs[0].argmax()) for outputs in got)
    return Accuracy.of(truth, *predicted)


def _classes(folder: Path) -> list[Path]:
    """The folders of the classes, by name. Raises BadInput if there is none."""
    found = sorted(one for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []
    if not found:
        raise BadInput(
            f"{folder} has no folder for each class", hint="such as DIR/cat/1.jpg, DIR/dog/2.jpg"
        )
    return found


def _expected(
    module: nn.Module, shown: Mapping[str, Sequence[Array]], classes: int
) -> Iterator[Expected]:
    for name, arrays in shown.items():
        with torch.inference_mode():
            made = module(*map(torch.from_numpy, arrays))
        scores = made.numpy() if isinstance(made, torch.Tensor) else np.empty(0)
        if scores.shape != (1, classes):
            raise BadInput(
                f"--dataset has {classes} classes, and the model returns {scores.shape or made}",
                hint="one folder of images for each class, in the order of the classes",
            )
        yield Expected(name, (scores,), ())
