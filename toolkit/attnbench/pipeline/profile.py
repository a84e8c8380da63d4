"""Artifact -> measurement: plain launches for the latency, paired ones for the blocks."""

from __future__ import annotations

import tempfile
from pathlib import Path

from attnbench.devices import Device
from attnbench.pipeline.bench import Bench
from attnbench.pipeline.effort import Effort
from attnbench.progress import Progress, stepping
from attnbench.records import Artifact, Measurement


def profile(artifact: Artifact, device: Device, effort: Effort, progress: Progress) -> Measurement:
    """
    Measure one artifact on a device.

    Plain and paired launches take turns, so that both see the same machine. A trace that cannot
    be mapped to blocks leaves `blocks` None and the reason in `refusal`; the latency stands.
    """
    with (
        stepping(progress, f"profile {artifact.backend}"),
        tempfile.TemporaryDirectory(prefix="attnbench-") as folder,
    ):
        bench = Bench(artifact, device, effort, Path(folder))
        with device.watched() as watch:
            profiler = bench.calibrated()
            for turn in range(max(effort.launches, effort.paired_launches)):
                if turn < effort.launches:
                    bench.launch()
                if turn < effort.paired_launches:
                    bench.launch_paired()
            if effort.sustained_s:
                bench.sustain()
        return bench.measured(profiler, watch.conditions()).measurement
