"""A against A on a device: does it raise false alarms, and what can be seen in which time?"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from attnbench.calibration.models import INPUT, write_models
from attnbench.clock import now
from attnbench.devices import Device
from attnbench.errors import BadOption
from attnbench.files import cache_dir, digest, size, write
from attnbench.pipeline.effort import INTERLEAVED, effort_on
from attnbench.pipeline.trial import ROUNDS, Experiment, Pair, Plan, Side
from attnbench.progress import Progress
from attnbench.records import (
    INSTRUCTIONS,
    Artifact,
    Delegation,
    DeviceId,
    Finding,
    Noise,
    TensorSpec,
)
from attnbench.stats import paired, share_interval
from attnbench.store import from_json, to_json
from attnbench_models import Recipe

MODEL = "plain"
"""Of the calibration models: inverted residuals as in MobileNetV2, which need no converter."""

TIMES_S = (60, 300, 1200)
FEWEST_EXPERIMENTS = 3


def measure_noise(device: Device, budget_s: float, seed: int, progress: Progress) -> Noise:
    """
    Let a model take turns with itself for as long as is given, and store what comes of it.

    Raises BadOption for a device that counts instructions, and for too little time.
    """
    if device.clock == INSTRUCTIONS:
        raise BadOption("--noise: instruction time has none that launches could average out")
    effort = replace(effort_on(device, usual=INTERLEAVED), paired_launches=0)
    with tempfile.TemporaryDirectory(prefix="attnbench-") as folder:
        side = Side(artifact_in(Path(folder)), effort)
        plan = Plan.filling(budget_s, seed)
        found = noise(Experiment(side, side, device, plan).run(progress))
    write(_path(found.device), to_json(found))
    return found


def noise(pair: Pair) -> Noise:
    """What many rounds of A against A say. Raises BadOption if they are too few to say anything."""
    turns, a = pair.interleaved, pair.a.measurement
    assert turns is not None  # it is what an experiment in real time gives
    sides = ([median(run) for run in one.measurement.runs] for one in (pair.a, pair.b))
    rounds = zip(turns.orders, turns.in_rounds(*sides), strict=True)
    scores = [paired.score(*one) for one in rounds]
    experiments = len(scores) // ROUNDS
    if experiments < FEWEST_EXPERIMENTS:
        raise BadOption(
            f"there was time for {len(scores)} rounds of {turns.seconds:.1f} s, and no experiment",
            hint="raise --budget",
        )
    alarms, spread = false_alarms(scores), paired.ratio(scores).spread
    low, high = share_interval(alarms, experiments)
    return Noise(
        device=a.device,
        model=f"{MODEL} ({a.engine} {a.engine_version})",
        experiments=experiments,
        rounds=ROUNDS,
        alarms=alarms,
        rate_low=low,
        rate_high=high,
        spread=spread,
        seconds=turns.seconds,
        detectable={
            str(time): paired.detectable(rounds_in(time, turns.seconds), spread) for time in TIMES_S
        },
        validity=a.validity,
        taken_at=now(),
    )


def false_alarms(scores: Sequence[float]) -> int:
    """How many experiments, of ROUNDS rounds one after the other, find a difference."""
    starts = range(0, len(scores) - ROUNDS + 1, ROUNDS)
    found = [paired.ratio(scores[start : start + ROUNDS]).finding for start in starts]
    return len(found) - found.count(Finding.NOT_DISTINGUISHABLE)


def rounds_in(time_s: float, seconds: float) -> int:
    """How many there is time for; the fewest that decide, if there is not even for those."""
    return max(paired.FEWEST_BLOCKS, int(time_s / seconds))


def known_noise(device: DeviceId) -> Noise | None:
    """What was measured on that device before."""
    path = _path(device)
    return from_json(path.read_bytes(), Noise, str(path)) if path.is_file() else None


def _path(device: DeviceId) -> Path:
    key = hashlib.sha256(to_json(device)).hexdigest()[:16]
    return cache_dir("noise") / f"{device.name}-{key}.json"


def artifact_in(folder: Path) -> Artifact:
    """The model that takes turns with itself, written into a folder; it has no blocks."""
    path = write_models(folder)[MODEL]
    recipe = Recipe(block=None, model=f"attnbench.calibration.models:{MODEL}")
    return Artifact(
        path=str(path),
        backend="onnx",
        sha256=digest(path),
        bytes=size(path),
        recipe=recipe,
        recipe_key=recipe.key,
        reference=None,
        inputs=(TensorSpec("float32", INPUT),),
        outputs=(),
        tools={},
        rewrites=(),
        blocks=(),
        scopes=(),
        delegation=Delegation(0, 0),
    )
