"""
Labels of pixels, which must be PyTorch's wherever it is sure of them itself.

    metric       of what                                            limit
    mislabelled  share of the pixels that are no ties that differ   0
    ties         share of all pixels that are ties and differ       the share that are ties

A tie is a pixel whose largest logit exceeds the second, in float64, by no more than twice the
float32 limit of the logits: rounding may lower the one and raise the other by as much. A resize
that is off by half a pixel moves every border between two classes, and ties lie on few of them.

In fewer bits labels and margins are the rounded reference's; what another rounding moves its logits
by takes the place of float32's distance.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from attnbench.parity.cases import Expected, Margins
from attnbench.parity.limits import Limits
from attnbench.parity.metrics import Array, Metric
from attnbench.records import Case


def differing(reference: Array, candidate: Array) -> float:
    """Share of the elements that are not equal; none of none are."""
    return float(np.not_equal(reference, candidate).mean()) if reference.size else 0.0


MISLABELLED = Metric("mislabelled", "of sure pixels", "lower", differing)
TIES = Metric("ties", "of pixels", "lower", differing)


def sure(margins: Margins, limits: Limits) -> NDArray[np.bool_]:
    """(N, H, W): the pixels that are no ties."""
    return np.asarray(margins.of > 2 * limits.max_error(margins.own), bool)


def mean_iou(reference: Array, candidate: Array) -> float:
    """
    Mean over all classes that either has of intersection over union.

    Source: Everingham et al., IJCV 88(2), 2010, section 4.2.2, per class.
    """
    shares = []
    for label in np.union1d(reference, candidate):
        one, other = reference == label, candidate == label
        shares.append((one & other).sum() / (one | other).sum())
    return float(np.mean(shares))


def label_cases(
    name: str, reference: Array, got: Array, margins: Margins | None, limits: Limits
) -> Iterator[Case]:
    """The cases of labels (N, H, W); without margins no pixel is a tie."""
    known = np.ones(reference.shape, bool) if margins is None else sure(margins, limits)
    yield MISLABELLED.case(name, MISLABELLED.of(reference[known], got[known]), 0.0)
    yield TIES.case(name, float((~known & (reference != got)).mean()), float((~known).mean()))


def cases(name: str, expected: Expected, at: int, got: Array, limits: Limits) -> Iterator[Case]:
    """The cases of the labels that output `at`, logits (N, K, H, W), gives."""
    single, double = expected.single[at], expected.double[at]
    margins = Margins.between(single, double)
    yield from label_cases(name, single.argmax(axis=1), got.argmax(axis=1), margins, limits)
