"""
How much of ONNX Runtime's profiling lands inside an operator's interval.

Its profiler builds a record for every operator: partly before it reads the end time, so that the
operator seems longer, and partly after, in the gap before the next one. The ratio of the two is a
property of its code and compiler. It is measured here on models of our own, as

    (sum of traced operators - plain inference) / sum of gaps,

and then corrects other models through the gaps in their own traces: a slower clock or a busy
machine stretches both parts alike.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from attnbench.attribution.ledger import mean_gap_ns
from attnbench.attribution.places import leaves, steady_operators
from attnbench.calibration.models import INPUT, write_models
from attnbench.files import cache_dir, write
from attnbench.records import Launch, Trace
from attnbench.runner import Job, find_all, measure_paired, source_key
from attnbench.stats import middle_half
from attnbench.store import from_json, to_json

LAUNCHES = 5
ITERATIONS = 60
WARMUP = 5

STEADY_WITHIN = 0.15
"""Largest spread over launches, as a share of the ratio, for it to be kept."""


@dataclass(frozen=True, slots=True)
class GapShare:
    """The ratio, its smallest and largest value over launches, and on how many it rests."""

    value: float
    low: float
    high: float
    launches: int

    @property
    def steady(self) -> bool:
        """Whether launches agree: on a busy machine they do not, and the next call tries again."""
        return self.high - self.low <= STEADY_WITHIN * abs(self.value)


def gap_share(
    job: Job, cpu: str, version: str, launches: int = LAUNCHES, iterations: int = ITERATIONS
) -> GapShare:
    """
    The calibrated ratio for a machine, a runtime and a runner; kept once it was steady.

    `job` carries the place, threads and cpus; its model does not matter.
    """
    effort = [launches, iterations]
    facts = to_json([cpu, version, source_key(find_all()), job.threads, job.cpus, effort])
    path = cache_dir("calibration") / f"onnxruntime-{hashlib.sha256(facts).hexdigest()[:16]}.json"
    if path.is_file():
        return from_json(path.read_bytes(), GapShare, str(path))
    measured = _measure(job, launches, iterations)
    if measured.steady:
        write(path, to_json(measured))
    return measured


def _measure(job: Job, launches: int, iterations: int) -> GapShare:
    x = np.random.default_rng(0).standard_normal(INPUT).astype(np.float32)
    with tempfile.TemporaryDirectory(prefix="attnbench-") as folder:
        models = write_models(Path(folder))
        warmup = min(WARMUP, iterations // 3)
        ratios = []
        for _ in range(launches):
            pairs = []
            for model in models.values():
                mine = replace(job, engine="onnxruntime", model=model, sha256="")
                pairs.append(added_and_gaps(*measure_paired(mine, [x], warmup, iterations)))
            ratios.append(slope(pairs))
    return GapShare(median(ratios), min(ratios), max(ratios), launches)


def added_and_gaps(launch: Launch, trace: Trace) -> tuple[float, float]:
    """Traced operators less the plain inference, and gaps, both as shares of the plain time."""
    at = leaves(trace, steady_operators(trace))
    kernels = [[iteration[i] for i in at] for iteration in trace.iterations]
    totals = [sum(event.ns for event in one) for one in kernels]
    ratios = [total / plain for total, plain in zip(totals, launch.plain_ns, strict=True)]
    kept = middle_half(ratios)
    plain = sum(launch.plain_ns[i] for i in kept)
    gaps = sum(mean_gap_ns(kernels[i]) * len(at) for i in kept)
    return sum(totals[i] for i in kept) / plain - 1, gaps / plain


def slope(pairs: Sequence[tuple[float, float]]) -> float:
    """Least squares of added = ratio x gaps, through the origin."""
    return sum(a * g for a, g in pairs) / sum(g * g for _, g in pairs)
