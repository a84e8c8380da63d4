"""How much is measured: by default as much as the device's clock asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from attnbench.devices import Device
from attnbench.errors import BadOption
from attnbench.records import INSTRUCTIONS
from attnbench.runner import Wheel


@dataclass(frozen=True, slots=True)
class Effort:
    """
    How much to measure: processes, and inferences in each, warm-up apart.

    `calibration` is the launches and iterations that the profiler is calibrated with. A launch
    that takes longer than `timeout_s` is given up. `stagger_us` is the period of a timer, at
    different phases of which inferences begin. `sustained_s` is how long one more process is to
    work without a pause, `runtime` a package to use in place of the installed one of its engine.
    """

    launches: int = 10
    iterations: int = 50
    paired_launches: int = 6
    paired_iterations: int = 60
    warmup: int = 10
    threads: int = 1
    cpus: tuple[int, ...] = ()
    calibration: tuple[int, int] = (5, 60)
    timeout_s: float = 300.0
    stagger_us: int = 0
    sustained_s: float = 0.0
    runtime: Wheel | None = None

    def runtime_of(self, engine: str) -> Wheel | None:
        """The package to use for an engine; None is the installed one."""
        fits = self.runtime is not None and self.runtime.engine.name == engine
        return self.runtime if fits else None


COUNTED = Effort(
    launches=1,
    iterations=3,
    paired_launches=1,
    paired_iterations=3,
    warmup=4,  # until the kernel has stopped the processor's own timer
    calibration=(1, 1),
    timeout_s=3600.0,
    stagger_us=4000,  # 250 Hz, as Debian's kernels are built
)
"""For a clock that counts instructions: nothing to average, and every inference takes seconds."""

INTERLEAVED = Effort(launches=1, iterations=20, paired_launches=1, paired_iterations=10, warmup=5)
"""For one turn in a comparison: launches are what it needs, and a phone's time goes into those."""


def effort_on(
    device: Device,
    launches: int | None = None,
    iterations: int | None = None,
    *,
    threads: int | None = None,
    cpus: tuple[int, ...] = (),
    usual: Effort = Effort(),
) -> Effort:
    """
    What is asked for, and for the rest the usual effort; that of a clock that counts is its own.

    Raises BadOption where times mean nothing, and for several threads in instruction time.
    """
    device.check_times()
    counts = device.clock == INSTRUCTIONS
    usual = COUNTED if counts else replace(usual, threads=device.threads)
    if counts and threads not in (None, 1):
        raise BadOption(
            f"--threads {threads}: instruction time is that of one thread",
            hint="one that waits for another counts instructions too, more or fewer each time",
        )
    return replace(
        usual,
        launches=launches or usual.launches,
        iterations=iterations or usual.iterations,
        threads=threads or usual.threads,
        cpus=cpus,
    )


def sustained_effort(effort: Effort, device: Device, seconds: float) -> Effort:
    """The same with a continuous load. Raises BadOption in instruction time."""
    if device.clock == INSTRUCTIONS:
        raise BadOption(
            "--sustained: instruction time does not get slower under load",
            hint="it takes a real device",
        )
    return replace(effort, sustained_s=seconds)
