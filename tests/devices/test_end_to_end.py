"""The real runner and the real runtimes behind a real sshd: the record is that of the host."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from attnbench.calibration.models import GATES
from attnbench.devices import DEVICES
from attnbench.devices.profile import DeviceProfile
from attnbench.devices.reach import Reached
from attnbench.devices.remote import Remote
from attnbench.pipeline.effort import Effort
from attnbench.pipeline.parity import Questions, verify
from attnbench.pipeline.profile import profile
from attnbench.progress import Silent
from attnbench.records import Measurement
from attnbench.runner import ENGINES, Job, compute, info
from tests.devices.artifacts import BACKENDS

pytestmark = pytest.mark.slow

EFFORT = Effort(launches=2, iterations=5, paired_launches=2, paired_iterations=5, warmup=2)
CALIBRATION = EFFORT.calibration[0] * len(GATES)  # launches: each of its models in turn


@pytest.fixture(scope="module")
def board(shared_ssh, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("board") / "work dir"
    given = DeviceProfile(
        name="board", transport="ssh:board", model="Board", soc="SoC", workdir=str(workdir)
    )
    return Remote(given, Reached(shared_ssh))


@pytest.mark.parametrize("backend", BACKENDS)
def test_parity(board, artifacts, backend):
    artifact = artifacts[backend]
    question = Questions()(artifact)
    verdict, here = (verify(artifact, question, one) for one in (board, DEVICES.get("host")))
    assert verdict
    assert verdict.device == "board"
    assert [case.value for case in verdict.cases] == [case.value for case in here.cases]


def shape(value):
    """What kind of thing each field holds."""
    if isinstance(value, tuple):
        return [shape(value[0])] if value else []
    if hasattr(value, "__dataclass_fields__"):
        return {one.name: shape(getattr(value, one.name)) for one in fields(value)}
    return type(value).__name__


@pytest.mark.parametrize("backend", BACKENDS)
def test_profile(board, artifacts, backend):
    there, here = (
        profile(artifacts[backend], one, EFFORT, Silent()) for one in (board, DEVICES.get("host"))
    )
    leave_out = {"conditions", "validity"}
    for one in fields(Measurement):
        if one.name not in leave_out:
            assert shape(getattr(there, one.name)) == shape(getattr(here, one.name)), one.name
    assert [block.path for block in there.blocks] == [block.path for block in here.blocks]
    assert there.closure > 0  # how near to 1 is for a quiet machine to say
    assert there.libraries == here.libraries
    assert (there.device.name, there.device.emulated) == ("board", False)
    more = len(there.conditions.during) - EFFORT.launches - EFFORT.paired_launches
    assert more in (0, CALIBRATION)  # none if an earlier calibration is kept
    assert there.conditions.competing_cores is not None


@pytest.mark.parametrize("engine", ENGINES)
def test_outputs_are_those_of_the_host(board, artifacts, engine):
    backend = next(name for name, one in BACKENDS.items() if one == engine)
    here = Job(engine, Path(artifacts[backend].path))
    there = replace(here, place=board.place)
    x = [np.ones(spec.shape, spec.dtype) for spec in info(there).inputs]
    (ours,), (theirs,) = compute(there, [x])[0], compute(here, [x])[0]
    assert np.array_equal(ours, theirs)
