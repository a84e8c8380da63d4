"""A job under continuous load: one process, one inference right after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from attnbench.parity.metrics import Array
from attnbench.records import Sustained
from attnbench.runner import Job, measure
from attnbench.stats.load import high, slope

FEWEST, MOST = 100, 1_000_000
"""Inferences of a load: fewer have no 90th percentile to speak of, the runner takes no more."""

SLOWER = 10.0
"""By which a throttled device may be before it is given up."""


def sustain(
    job: Job, inputs: Sequence[Array], warmup: int, seconds: float, inference_ns: float
) -> Sustained:
    """
    As many inferences as take that long if each takes `inference_ns`, from FEWEST to MOST.

    A device that gets slower meanwhile takes longer; the record says how long it was.
    """
    count = min(max(math.ceil(seconds * 1e9 / inference_ns), FEWEST), MOST)
    patient = replace(job, timeout_s=job.timeout_s + SLOWER * count * inference_ns / 1e9)
    launch = measure(patient, inputs, warmup, count)
    ns = launch.plain_ns
    change, low, top = slope(ns)
    return Sustained(
        ns=ns,
        warmup_ns=launch.warmup_ns,
        seconds=sum(ns) / 1e9,
        median_ns=round(median(ns)),
        p90_ns=high(ns),
        slope=change,
        slope_low=low,
        slope_high=top,
    )
