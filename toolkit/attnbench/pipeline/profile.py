"""Artifact -> measurement: plain launches for the latency, paired ones for the blocks."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from attnbench.attribution.conserve import Attribution, Shares, combine, shares
from attnbench.attribution.least import least
from attnbench.attribution.ledger import PROFILERS, Profiler, ledgers
from attnbench.attribution.places import ROOT, Place
from attnbench.attribution.runtimes import runtime
from attnbench.backends import format_of
from attnbench.calibration.gap_share import gap_share
from attnbench.clock import now
from attnbench.devices import Device
from attnbench.errors import AttributionError
from attnbench.parity.inputs import standard_inputs
from attnbench.parity.metrics import Array
from attnbench.pipeline.effort import Effort
from attnbench.pipeline.parity import identify
from attnbench.pipeline.validity import judge
from attnbench.progress import Progress, stepping
from attnbench.records import INSTRUCTIONS, Artifact, Block, Conditions, Launch, Measurement, Trace
from attnbench.runner import ENGINES, Job, find, measure, measure_paired
from attnbench.stats import least_of, over_launches


def profile(artifact: Artifact, device: Device, effort: Effort, progress: Progress) -> Measurement:
    """
    Measure one artifact on a device.

    Plain and paired launches take turns, so that both see the same machine. A trace that cannot
    be mapped to blocks leaves `blocks` None and the reason in `refusal`; the latency stands.
    """
    engine = format_of(artifact.backend).engine
    assert engine is not None  # callers leave out what cannot run here
    job = Job(
        engine,
        Path(artifact.path),
        artifact.sha256,
        threads=effort.threads,
        cpus=effort.cpus,
        timeout_s=effort.timeout_s,
        place=device.place,
    )
    with (
        stepping(progress, f"profile {artifact.backend}"),
        tempfile.TemporaryDirectory(prefix="attnbench-") as folder,
    ):
        inputs = standard_inputs(artifact.inputs)["natural"]
        with device.watched() as watch:
            profiler = _profiler(job, device, effort)
            plain, paired = _measure(job, inputs, effort, Path(folder))
        counted = device.clock == INSTRUCTIONS
        attribution, refusal = _attribute(artifact, profiler, paired, counted=counted)
    return _measurement(
        artifact, device, plain, attribution=attribution, refusal=refusal, seen=watch.conditions()
    )


def _measurement(
    artifact: Artifact,
    device: Device,
    plain: Sequence[Launch],
    *,
    attribution: Attribution | None,
    refusal: str | None,
    seen: Conditions,
) -> Measurement:
    """All that was found out, as one record."""
    first = plain[0]
    summary = least_of if device.clock == INSTRUCTIONS else over_launches
    return Measurement(
        artifact=identify(artifact),
        device=device.identity(),
        engine=first.engine,
        engine_version=first.version,
        libraries=first.libraries,
        clock=device.clock,
        method="trace",
        threads=first.threads,
        cpus=first.cpus,
        latency_ns=summary([one.plain_ns for one in plain]),
        runs=tuple(one.plain_ns for one in plain),
        warmup_runs=tuple(one.warmup_ns for one in plain),
        load_ns=round(median(one.load_ns for one in plain)),
        first_ns=round(median(one.first_ns for one in plain)),
        peak_rss_bytes=max(one.peak_rss_bytes for one in plain),
        paired=attribution.paired if attribution else None,
        blocks=attribution.blocks if attribution else None,
        residual=attribution.residual if attribution else None,
        refusal=refusal,
        profiler_overhead_ns=attribution.overhead_ns if attribution else None,
        closure=attribution.closure if attribution else None,
        conditions=seen,
        validity=judge(attribution, refusal, seen, clock=device.clock, cpus=first.cpus),
        taken_at=now(),
        runner_sha256=device.runner_sha256,
    )


def _measure(
    job: Job, inputs: Sequence[Array], effort: Effort, folder: Path
) -> tuple[list[Launch], list[tuple[Launch, Trace]]]:
    """Plain and paired launches in turn; a runtime that can also saves the graph that ran."""
    plain: list[Launch] = []
    paired: list[tuple[Launch, Trace]] = []
    saves = ENGINES[job.engine].saves_graph
    for turn in range(max(effort.launches, effort.paired_launches)):
        if turn < effort.launches:
            plain.append(measure(job, inputs, effort.warmup, effort.iterations))
        if turn < effort.paired_launches:
            graph = folder / f"graph{turn}.onnx" if saves else None
            count = effort.paired_iterations
            paired.append(measure_paired(job, inputs, effort.warmup, count, graph))
    return plain, paired


def _profiler(job: Job, device: Device, effort: Effort) -> Profiler:
    """How the engine's profiler distorts, with what has to be calibrated on this device."""
    known = PROFILERS[job.engine]
    if job.engine != "onnxruntime":
        return known
    runner = f"{find(job.engine).version} {device.runner_sha256 or ''}".strip()
    share = gap_share(job, device.identity().cpu, runner, *effort.calibration)
    return replace(known, gap_share=share.value)


def _attribute(
    artifact: Artifact,
    profiler: Profiler,
    paired: Sequence[tuple[Launch, Trace]],
    *,
    counted: bool,
) -> tuple[Attribution | None, str | None]:
    """Blocks that add up, or why there are none."""
    if not artifact.scopes:
        return None, "without a manifest nothing says which module an operator comes from"
    try:
        weighed = [least(*one) for one in paired] if counted else paired
        said = [_shares(launch, trace, artifact, profiler) for launch, trace in weighed]
    except AttributionError as error:
        return None, str(error)
    blocks = list(artifact.blocks)
    if any(Place(ROOT) in one.by_place for one in said):
        blocks.append(Block(ROOT, "backbone"))
    launch, trace = paired[0]
    return combine(said, blocks, trace.resolution_ns, len(launch.plain_ns)), None


def _shares(launch: Launch, trace: Trace, artifact: Artifact, profiler: Profiler) -> Shares:
    """What one launch says; each is located on its own, since names may differ between them."""
    located = runtime(trace.engine).locate(trace, artifact)
    return shares(ledgers(trace, located, profiler), launch)
