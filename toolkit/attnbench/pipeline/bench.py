"""One artifact on a device, launch by launch, and the measurement that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean, median

from attnbench.attribution.conserve import Attribution, Shares, combine, shares
from attnbench.attribution.least import least
from attnbench.attribution.ledger import PROFILERS, Profiler, ledgers
from attnbench.attribution.operators import spots
from attnbench.attribution.places import ROOT, Place
from attnbench.attribution.runtimes import runtime
from attnbench.backends import format_of
from attnbench.calibration.gap_share import gap_share
from attnbench.clock import now
from attnbench.devices import Device
from attnbench.devices.wheels import wheel_for
from attnbench.errors import AttributionError
from attnbench.parity.border import feed
from attnbench.parity.inputs import standard_inputs
from attnbench.parity.metrics import Array
from attnbench.pipeline.counters import counters_of
from attnbench.pipeline.effort import Effort
from attnbench.pipeline.load import sustain
from attnbench.pipeline.parity import identify
from attnbench.pipeline.runtimes import place_with
from attnbench.pipeline.validity import judge
from attnbench.pipeline.warmup import settled
from attnbench.records import (
    INSTRUCTIONS,
    Artifact,
    Block,
    Conditions,
    Launch,
    Measurement,
    Sustained,
    Trace,
    Validity,
)
from attnbench.runner import ENGINES, Job, Wheel, measure, measure_paired
from attnbench.runner.shipped import shipped
from attnbench.stats import least_of, ninetieth, over_launches


@dataclass(frozen=True)  # no slots: they leave no room for what is computed once
class Bench:
    """
    Collects launches, plain and paired; every one is a process of its own.

    `folder` is for the graphs that traced launches save: it has to last until `measured`.
    """

    artifact: Artifact
    device: Device
    effort: Effort
    folder: Path
    plain: list[Launch] = field(default_factory=list)
    paired: list[tuple[Launch, Trace]] = field(default_factory=list)
    loads: list[Sustained] = field(default_factory=list)

    @property
    def job(self) -> Job:
        """What its launches are."""
        engine = format_of(self.artifact.backend).engine
        assert engine is not None  # callers leave out what cannot run here
        return Job(
            engine,
            Path(self.artifact.path),
            self.artifact.sha256,
            threads=self.effort.threads,
            cpus=self.effort.cpus,
            timeout_s=self.effort.timeout_s,
            stagger_us=self.effort.stagger_us,
            place=place_with(self.effort.runtime_of(engine), self.device),
        )

    @property
    def wheel(self) -> Wheel:
        """The package of the runtime that its launches use."""
        engine = self.job.engine
        there = self.device.identity().machine
        return self.effort.runtime_of(engine) or wheel_for(engine, there)

    def calibrated(self) -> Profiler:
        """How the engine's profiler distorts, with what has to be calibrated on this device."""
        job = self.job
        known = PROFILERS[job.engine]
        if job.engine != "onnxruntime" or not self.effort.paired_launches:
            return known
        runner = f"{self.wheel.version} {self.device.runner_sha256 or ''}".strip()
        cpu = self.device.identity().cpu
        return replace(known, gap_share=gap_share(job, cpu, runner, *self.effort.calibration).value)

    def launch(self) -> None:
        """Measure the latency of one process."""
        effort = self.effort
        launch = measure(self.job, self.inputs, effort.warmup, effort.iterations)
        self.plain.append(launch if self.device.clock == INSTRUCTIONS else settled(launch))

    def launch_paired(self) -> None:
        """Trace one process; a runtime that can also saves the graph that ran."""
        job, effort = self.job, self.effort
        saves = ENGINES[job.engine].saves_graph
        graph = self.folder / f"graph{len(self.paired)}.onnx" if saves else None
        self.paired.append(
            measure_paired(job, self.inputs, effort.warmup, effort.paired_iterations, graph)
        )

    def sustain(self) -> None:
        """Put one process under load, once launches have told how long an inference takes."""
        effort = self.effort
        usual_ns = fmean(ns for one in self.plain for ns in one.plain_ns)
        self.loads.append(
            sustain(self.job, self.inputs, effort.warmup, effort.sustained_s, usual_ns)
        )

    @cached_property
    def inputs(self) -> list[Array]:
        """An image, in the form that the file takes."""
        arrays = standard_inputs(self.artifact.inputs)["natural"]
        border = self.artifact.border
        return arrays if border is None else feed(border, arrays)

    def measured(self, profiler: Profiler, seen: Conditions) -> Measured:
        """All that was found out, as one record, and time by place in each traced launch."""
        said, refusal = self._located(profiler)
        attribution = self._combined(said) if said else None
        return Measured(
            self._record(attribution, refusal, seen), tuple(_by_place(one) for one in said)
        )

    def _record(
        self, attribution: Attribution | None, refusal: str | None, seen: Conditions
    ) -> Measurement:
        first, clock = self.plain[0], self.device.clock
        runs = tuple(one.plain_ns for one in self.plain)
        counted = clock == INSTRUCTIONS
        made = Measurement(
            artifact=identify(self.artifact),
            device=self.device.identity(),
            engine=first.engine,
            engine_version=first.version,
            libraries=first.libraries,
            clock=clock,
            method="trace",
            threads=first.threads,
            cpus=first.cpus,
            latency_ns=least_of(runs) if counted else over_launches(runs),
            runs=runs,
            warmup_runs=tuple(one.warmup_ns for one in self.plain),
            load_ns=round(median(one.load_ns for one in self.plain)),
            first_ns=round(median(one.first_ns for one in self.plain)),
            peak_rss_bytes=max(one.peak_rss_bytes for one in self.plain),
            paired=attribution.paired if attribution else None,
            blocks=attribution.blocks if attribution else None,
            residual=attribution.residual if attribution else None,
            refusal=refusal,
            profiler_overhead_ns=attribution.overhead_ns if attribution else None,
            closure=attribution.closure if attribution else None,
            conditions=seen,
            validity=Validity(ok=True),
            taken_at=now(),
            runner_sha256=self.device.runner_sha256,
            p90_ns=None if counted else over_launches(runs, ninetieth),
            unsettled=tuple(at for at, one in enumerate(self.plain) if one.settled is False),
            sustained=self.loads[-1] if self.loads else None,
            operators=attribution.operators if attribution else (),
            counters=counters_of(self.plain),
        )
        return replace(made, validity=judge(made, shipped(self.wheel)))

    def _located(self, profiler: Profiler) -> tuple[list[Shares], str | None]:
        """What each traced launch says; or why none says anything."""
        if not self.paired:
            return [], None
        if not self.artifact.scopes:
            return [], "without a manifest nothing says which module an operator comes from"
        try:
            counted = self.device.clock == INSTRUCTIONS
            weighed = [least(*one) for one in self.paired] if counted else self.paired
            return [self._shares(launch, trace, profiler) for launch, trace in weighed], None
        except AttributionError as error:
            return [], str(error)

    def _shares(self, launch: Launch, trace: Trace, profiler: Profiler) -> Shares:
        """Of one launch; each is located on its own, since names may differ between them."""
        located = runtime(trace.engine).locate(trace, self.artifact)
        return shares(ledgers(trace, located, profiler), launch, spots(trace, located))

    def _combined(self, said: list[Shares]) -> Attribution:
        """Blocks that add up."""
        blocks = list(self.artifact.blocks)
        if any(Place(ROOT) in one.by_place for one in said):
            blocks.append(Block(ROOT, "backbone"))
        launch, trace = self.paired[0]
        return combine(said, blocks, trace.resolution_ns, len(launch.plain_ns))


@dataclass(frozen=True, slots=True)
class Measured:
    """A measurement, and the time by place of each of its traced launches, in ns."""

    measurement: Measurement
    places_ns: tuple[Mapping[Place, float], ...] = ()


def _by_place(one: Shares) -> dict[Place, float]:
    return {place: share * one.plain_ns for place, share in one.by_place.items()}
