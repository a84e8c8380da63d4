"""Why a file that others made may have failed: what is wrong most often, tried one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, log_softmax, softmax

from attnbench.devices import Device
from attnbench.parity.border import RAW, feed, is_image, read
from attnbench.parity.cases import Expected
from attnbench.parity.judge import judge
from attnbench.parity.limits import Limits
from attnbench.parity.metrics import Array
from attnbench.pipeline.computed import outputs_of
from attnbench.pipeline.parity import Question, task_of
from attnbench.records import IMAGENET, Artifact, Border, Pixels

INPUT = "natural"
HABITS = (
    IMAGENET,
    Pixels(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    Pixels(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
    RAW,
    Pixels(mean=IMAGENET.mean, std=RAW.std),
)
"""What models take for an image: torchvision, TensorFlow and Inception, plain, bytes, Caffe."""

ENDS: Mapping[str, Callable[[Array], Array]] = {
    "softmax": lambda logits: softmax(logits, axis=1),
    "log softmax": lambda logits: log_softmax(logits, axis=1),
    "sigmoid": expit,
}
"""What a file may end with that its reference leaves out."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A way in which the file would agree: how it is fed, what its outputs are, in words."""

    border: Border
    end: str
    words: str


def explained(artifact: Artifact, question: Question, device: Device) -> str | None:
    """
    What would make a failed foreign artifact agree with its reference on a natural image.

    None if nothing that is tried does, or the artifact is our own. All is computed in one launch.
    """
    border = artifact.border
    if border is None:
        return None
    at = list(question.inputs).index(INPUT)
    expected, arrays = question.expected[at], question.inputs[INPUT]
    found = list(suspects(border, arrays))
    computed = outputs_of(artifact, [feed(one.border, arrays) for one in found], device)
    limits = question.limits(artifact)
    for one, outputs in zip(found, computed, strict=True):
        got = read(one.border, outputs, expected.single)
        if _agrees(_ending(expected, one.end), got, limits, task_of(artifact.recipe)):
            return one.words
    return None


def suspects(border: Border, arrays: Sequence[Array]) -> Iterator[Suspect]:
    """Other ends for the same images, then other images."""
    for end in ENDS:
        yield Suspect(border, end, f"the file ends with a {end}, which the reference leaves out")
    if not any(is_image(array.shape) for array in arrays):
        return
    for habit in dict.fromkeys((border.file, *HABITS)):
        for bgr in (border.file.bgr, not border.file.bgr):
            pixels = replace(habit, bgr=bgr)
            if pixels != border.file:
                words = f"it agrees if fed otherwise: {_options(border.file, pixels)}"
                yield Suspect(replace(border, file=pixels), "", words)


def _options(given: Pixels, wanted: Pixels) -> str:
    """The options that lead from one to the other."""
    words = []
    if wanted.mean != given.mean:
        words.append(f"--file-mean {_numbers(wanted.mean)}")
    if wanted.std != given.std:
        words.append(f"--file-std {_numbers(wanted.std)}")
    if wanted.bgr != given.bgr:
        words.append("--file-bgr" if wanted.bgr else "--file-rgb")
    return " ".join(words)


def _numbers(values: Sequence[float]) -> str:
    different = values if len(set(values)) > 1 else values[:1]
    return ",".join(f"{value:.8g}" for value in different)


def _ending(expected: Expected, end: str) -> Expected:
    """What the reference would give with that end."""
    if not end:
        return expected
    single, double, reordered = (
        tuple(ENDS[end](y) if np.issubdtype(y.dtype, np.floating) and y.ndim > 1 else y for y in ys)
        for ys in (expected.single, expected.double, expected.reordered)
    )
    return replace(expected, single=single, double=double, reordered=reordered)


def _agrees(expected: Expected, got: Sequence[Array], limits: Limits, task: str) -> bool:
    return all(case.passed for case in judge(expected, got, limits, task))
