"""From outputs to cases: every metric of every output on one input, held against its limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from attnbench.errors import BadArtifact
from attnbench.parity import detection, segmentation
from attnbench.parity.cases import Expected
from attnbench.parity.limits import Limits
from attnbench.parity.metrics import (
    COSINE,
    MAX_ABS,
    MAX_ERROR,
    SNR,
    TOP1,
    Array,
    span,
    top1_margin,
)
from attnbench.records import Case

__all__ = ["Expected", "distances", "judge"]


def judge(
    expected: Expected, got: Sequence[Array], limits: Limits, task: str = "classification"
) -> tuple[Case, ...]:
    """
    All cases of one input; `task` says what the outputs are for, as in `BackboneEntry`.

    Raises BadArtifact when the artifact's outputs differ from the reference's in number or shape.
    """
    shapes = [a.shape for a in expected.single], [b.shape for b in got]
    if shapes[0] != shapes[1]:
        hint = "is this the model that the artifact was made from?"
        raise BadArtifact(f"outputs are {shapes[1]}, the reference's {shapes[0]}", hint=hint)
    return tuple(_cases(expected, got, limits, task))


def _cases(expected: Expected, got: Sequence[Array], limits: Limits, task: str) -> Iterator[Case]:
    for at, output in enumerate(got):
        name, single = expected.of_output(at), expected.single[at]
        if np.issubdtype(single.dtype, np.integer):
            yield from segmentation.label_cases(name, single, output, expected.margins, limits)
            continue
        yield from distances(expected, at, output, limits)
        if task == "segmentation":
            yield from segmentation.cases(name, expected, at, output, limits)
        elif single.ndim == 2:
            yield from _class(expected, at, output, limits)
    if task == "detection":
        yield from detection.cases(expected, got, limits)


def distances(expected: Expected, at: int, got: Array, limits: Limits) -> Iterator[Case]:
    """The cases of an output that is made of numbers, whatever it is for."""
    name, single = expected.of_output(at), expected.single[at]
    if _is_constant(single, limits):
        yield MAX_ABS.case(name, MAX_ABS.of(single, got), limits.absolute)
        return
    own_db = expected.own_snr_db(at)
    allowed = limits.max_error(expected.own_error(at))
    yield MAX_ERROR.case(name, MAX_ERROR.of(single, got), allowed)
    yield SNR.case(name, SNR.of(single, got), limits.snr_db(own_db))
    yield COSINE.case(name, COSINE.of(single, got), limits.cosine(own_db))


def _class(expected: Expected, at: int, got: Array, limits: Limits) -> Iterator[Case]:
    """Whether the class is the same, where the reference is sure of one."""
    name, single = expected.of_output(at), expected.single[at]
    if _is_constant(single, limits):
        return
    if top1_margin(single) > 2 * limits.max_error(expected.own_error(at)):
        yield TOP1.case(name, TOP1.of(single, got), 1.0)


def _is_constant(single: Array, limits: Limits) -> bool:
    return span(single) <= limits.absolute * max(1.0, float(np.abs(single).max())) * 1e-3
