"""From outputs to cases: every metric of every output on one input, held against its limit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from attnbench.errors import BadArtifact
from attnbench.parity.limits import Limits
from attnbench.parity.metrics import (
    COSINE,
    MAX_ABS,
    MAX_ERROR,
    SNR,
    TOP1,
    Array,
    Metric,
    max_error,
    snr_db,
    span,
    top1_margin,
)
from attnbench.records import Case


@dataclass(frozen=True, slots=True)
class Expected:
    """PyTorch's outputs for one named input, in float32 and in float64."""

    name: str
    single: tuple[Array, ...]
    double: tuple[Array, ...]


def judge(expected: Expected, got: Sequence[Array], limits: Limits) -> tuple[Case, ...]:
    """
    All cases of one input.

    Raises BadArtifact when the artifact's outputs differ from the reference's in number or shape.
    """
    shapes = [a.shape for a in expected.single], [b.shape for b in got]
    if shapes[0] != shapes[1]:
        hint = "is this the model that the artifact was made from?"
        raise BadArtifact(f"outputs are {shapes[1]}, the reference's {shapes[0]}", hint=hint)
    several = len(got) > 1
    return tuple(
        case
        for i, output in enumerate(got)
        for case in _cases(
            f"{expected.name}[{i}]" if several else expected.name,
            expected.single[i],
            expected.double[i],
            output,
            limits,
        )
    )


def _cases(name: str, single: Array, double: Array, got: Array, limits: Limits) -> Iterator[Case]:
    if span(single) <= limits.absolute * max(1.0, float(np.abs(single).max())) * 1e-3:
        yield _case(name, MAX_ABS, MAX_ABS.of(single, got), limits.absolute)
        return
    allowed = limits.max_error(max_error(double, single))
    own_db = snr_db(double, single)
    yield _case(name, MAX_ERROR, MAX_ERROR.of(single, got), allowed)
    yield _case(name, SNR, SNR.of(single, got), limits.snr_db(own_db))
    yield _case(name, COSINE, COSINE.of(single, got), limits.cosine(own_db))
    if single.ndim == 2 and top1_margin(single) > 2 * allowed:
        yield _case(name, TOP1, TOP1.of(single, got), 1.0)


def _case(name: str, metric: Metric, value: float, limit: float) -> Case:
    shown = None if math.isnan(value) else value
    return Case(
        name, metric.name, metric.unit, shown, limit, metric.better, metric.passes(value, limit)
    )
