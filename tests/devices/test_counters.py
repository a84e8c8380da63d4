"""Hardware counters where there are some: those that qemu gives a Cortex-A76, and none unasked."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

import pytest

from attnbench.parity.inputs import standard_inputs
from attnbench.runner import Job, measure

pytestmark = [pytest.mark.emulated, pytest.mark.slow]

LEVEL = "/proc/sys/kernel/perf_event_paranoid"


def launch_on(device, artifacts):
    artifact = artifacts["tflite"]
    job = Job("litert", Path(artifact.path), place=device.place)
    return measure(job, standard_inputs(artifact.inputs)["natural"], warmup=2, iterations=5)


def allow(device, level):
    done = device.transport.run(["sudo", "sh", "-c", f"echo {level} > {LEVEL}"])
    assert done.code == 0, done.stderr


@contextmanager
def allowed(pi):
    """What Debian's kernel keeps to root, mainline's lets anybody count."""
    before = pi.transport.run(["cat", LEVEL]).stdout.decode().strip()
    allow(pi, 2)
    yield
    allow(pi, before)


def test_what_the_kernel_does_not_allow_is_unknown(phone, artifacts):
    found = launch_on(phone, artifacts).counters
    assert found.counts == {}
    assert {"cycles", "instructions", "llc_read_misses", "branch_misses"} == set(found.unknown)
    assert all("perf_event_paranoid" in why for why in found.unknown.values())


def test_cycles_are_those_of_the_inferences(pi, artifacts):
    """Of qemu's counters cycles alone tick in plain emulation: a thousand million a second."""
    with allowed(pi):
        launch = launch_on(pi, artifacts)
    assert 0.2 < launch.counters.counts["cycles"] / fmean(launch.plain_ns) < 1.1
    assert launch.counters.unknown["branch_misses"] == "this machine offers no such counter"
