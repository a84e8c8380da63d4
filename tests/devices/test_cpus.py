"""
Every engine in 32 and 8 bits on three kinds of processor, against PyTorch and this machine.

cortex-a72 has neither dot products nor half floats, cortex-a76 has both, `max` all that qemu knows
(SVE2, i8mm): each makes the runtimes choose other kernels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from attnbench.devices import DEVICES
from attnbench.emulation import CPUS, MACHINES, up
from attnbench.parity.judge import judge
from attnbench.pipeline.parity import Question, Questions, task_of
from attnbench.progress import Silent
from attnbench.records import Artifact
from attnbench.runner import Job, compute
from tests.devices.artifacts import BACKENDS, TINY, make
from tests.emulation.machines import OLD_PHONE, machines_in, own_machines

pytestmark = [pytest.mark.emulated, pytest.mark.slow]

FP32_RELATIVE = 1e-5
"""Of the output's range: sums in another order round otherwise, 6e-8 each; a fault is far above."""

STEPS = 1
"""
Of the output's quantisation. Integer sums are exact, and the same everywhere; what may differ is
how a tie is rounded when a sum is brought back to 8 bits.
"""


@dataclass(frozen=True)
class Asked:
    """An artifact, what PyTorch answers, and what is computed here."""

    artifact: Artifact
    question: Question
    here: list[list[np.ndarray]]


def asked(artifacts: Mapping[str, Artifact]) -> dict[str, Asked]:
    questions, found = Questions(), {}
    for backend, artifact in artifacts.items():
        question = questions(artifact)
        found[backend] = Asked(artifact, question, outputs(artifact, question, DEVICES.get("host")))
    return found


@pytest.fixture(scope="module")
def fp32(artifacts) -> dict[str, Asked]:
    return asked(artifacts)


@pytest.fixture(scope="module")
def int8(tmp_path_factory) -> dict[str, Asked]:
    return asked(make(tmp_path_factory.mktemp("int8"), replace(TINY, precision="int8")))


@pytest.fixture(scope="module", params=CPUS)
def device(request, emulation, old_machines, tmp_path_factory):
    """
    A phone with that processor: one of those that others use too, or one of this module's own.

    It is held throughout, so that what was sent is hashed there once.
    """
    usual = MACHINES["pixel4"]
    machine, machines = {
        "cortex-a72": (OLD_PHONE, machines_in(old_machines)),
        "cortex-a76": (usual, machines_in(emulation)),
        "max": (replace(usual, cpu="max"), own_machines(tmp_path_factory.mktemp("max"))),
    }[request.param]
    with machines:
        up(machine, Silent())
        found = DEVICES.get("pixel4-emulated")
        assert found.reached.emulated == request.param
        with found.held():
            yield found
        found.close()


def outputs(artifact: Artifact, question: Question, device) -> list[list[np.ndarray]]:
    job = Job(BACKENDS[artifact.backend], Path(artifact.path), artifact.sha256, place=device.place)
    return compute(job, list(question.inputs.values()))


def both(one: Asked, device) -> tuple[np.ndarray, np.ndarray]:
    """What is computed there, once it has passed as PyTorch's, and here; one row an input."""
    there = outputs(one.artifact, one.question, device)
    limits, task = one.question.limits(one.artifact), task_of(one.artifact.recipe)
    for expected, got in zip(one.question.expected, there, strict=True):
        assert all(case.passed for case in judge(expected, got, limits, task))
    return rows(there), rows(one.here)


def rows(computed: list[list[np.ndarray]]) -> np.ndarray:
    return np.stack([one.ravel() for (one,) in computed])


@pytest.mark.parametrize("backend", BACKENDS)
def test_fp32(device, fp32, backend):
    there, here = both(fp32[backend], device)
    assert np.abs(there - here).max() <= FP32_RELATIVE * np.ptp(here)


@pytest.mark.parametrize("backend", BACKENDS)
def test_int8(device, int8, backend):
    there, here = both(int8[backend], device)
    step = step_of(here)
    apart = np.abs(there - here).max() / step
    print(f"{device.reached.emulated} {backend}: {apart:.3f} steps of {step:.3g} apart")
    assert apart <= STEPS + 1e-3  # steps are float32 themselves


def step_of(outputs: np.ndarray) -> float:
    """Of 8 bits: the least distance between two values, of which all are multiples."""
    apart = np.diff(np.unique(outputs))
    step = apart.min()
    assert np.abs(apart / step - np.round(apart / step)).max() < 1e-2
    assert np.ptp(outputs) / step < 256
    return float(step)
