"""
Labels of pixels, which must be PyTorch's wherever it is sure of them itself.

    metric       of what                                            limit
    mislabelled  share of the pixels that are no ties that differ   0
    ties         share of all pixels that are ties and differ       the share that are ties

A tie is a pixel whose largest logit exceeds the second, in float64, by no more than twice the
float32 limit of the logits: rounding may lower the one and raise the other by as much. A resize
that is off by half a pixel moves every border between two classes, and ties lie on few of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from attnbench.parity.cases import Expected, Margins
from attnbench.parity.limits import Limits
from attnbench.parity.metrics import Array, Metric
from attnbench.records import Case


def differing(reference: Array, candidate: Array) -> float:
    """Share of the elements that are not equal; none of none are."""
    return float(np.not_equal(reference, candidate).mean()) if reference.size else 0.0


MISLABELLED = Metric("mislabelled", "of sure pixels", "lower", differing)
TIES = Metric("ties", "of pixels", "lower", differing)


def label_cases(
    name: str, reference: Array, got: Array, margins: Margins | None, limits: Limits
) -> Iterator[Case]:
    """The cases of labels (N, H, W); without margins no pixel is a tie."""
    sure = np.ones(reference.shape, bool)
    if margins is not None:
        sure = margins.of > 2 * limits.max_error(margins.own)
    yield MISLABELLED.case(name, MISLABELLED.of(reference[sure], got[sure]), 0.0)
    yield TIES.case(name, float((~sure & (reference != got)).mean()), float((~sure).mean()))


def cases(name: str, expected: Expected, at: int, got: Array, limits: Limits) -> Iterator[Case]:
    """The cases of the labels that output `at`, logits (N, K, H, W), gives."""
    single, double = expected.single[at], expected.double[at]
    margins = Margins.between(single, double)
    yield from label_cases(name, single.argmax(axis=1), got.argmax(axis=1), margins, limits)
