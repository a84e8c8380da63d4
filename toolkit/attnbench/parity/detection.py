"""
Detections: boxes in pixels, scores, and the order in which a detector would report them.

Boxes and scores are first held to the limits of any other output, as shares of their ranges. What
that does not say is whether the boxes that count are where they were. So, with the model's own
float32-float64 distance d in the same metric, the larger of two orders of its sums:

    metric   of what                                   limit in float32
    box      the largest difference of x, y, width and max(FACTOR * d, FLOOR * range of boxes)
             height, over the confident candidates
    score    the largest difference of any score       max(FACTOR * d, FLOOR)
    ranking  share of the RANKED best (candidate,      all: a place counts as the same where the
             class) pairs that keep their place        two scores differ by less than rounding may
                                                       move them, 2 * the limit of score

A candidate is confident where its best score in PyTorch reaches CONFIDENT; if none does, the best
one is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from attnbench.parity.cases import Expected
from attnbench.parity.limits import Limits
from attnbench.parity.metrics import Array, Metric, max_abs, span
from attnbench.records import Case

CONFIDENT = 0.25
"""The score from which detectors of this family report a box, by default."""

RANKED = 100
"""How many detections of an image the COCO benchmark looks at."""


def cases(expected: Expected, got: Sequence[Array], limits: Limits) -> Iterator[Case]:
    """The cases of one input, whose outputs are boxes (N, M, 4) and scores (N, M, classes)."""
    (boxes, scores), (exact_boxes, exact_scores) = expected.single, expected.double
    which = confident(scores)
    own = max(max_abs(exact_boxes[which], one[which]) for one in expected.in_float32(0))
    limit = max(limits.factor * own, limits.floor * span(boxes))
    yield BOX.case(expected.name, BOX.of(boxes[which], got[0][which]), limit)
    own = max(max_abs(exact_scores, one) for one in expected.in_float32(1))
    limit = max(limits.factor * own, limits.floor)
    yield SCORE.case(expected.name, SCORE.of(scores, got[1]), limit)
    yield RANKING.case(expected.name, ranking(scores, got[1], tie=2 * limit), 1.0)


def confident(scores: Array) -> NDArray[np.bool_]:
    """(N, M): the candidates whose best class reaches CONFIDENT, or else the best of all."""
    best = scores.max(axis=-1)
    return np.asarray(best >= min(CONFIDENT, best.max()), bool)


def ranking(reference: Array, candidate: Array, *, tie: float) -> float:
    """The share of the RANKED first places of each image that hold an equal of the reference's."""
    same = [
        np.abs(one[_first(one)] - one[_first(other)]) <= tie
        for one, other in zip(_rows(reference), _rows(candidate), strict=True)
    ]
    return float(np.mean(same))


def _rows(scores: Array) -> Array:
    return scores.reshape(len(scores), -1)


def _first(scores: Array) -> NDArray[np.intp]:
    """The places of the RANKED largest values, the largest first."""
    return np.argsort(-scores, kind="stable")[:RANKED]


BOX = Metric("box", "px", "lower", max_abs)
SCORE = Metric("score", "", "lower", max_abs)
RANKING = Metric("ranking", "", "higher", lambda r, c: ranking(r, c, tie=0.0))
