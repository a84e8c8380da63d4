"""Each runtime in another version than the installed one, as the package index has it."""

from __future__ import annotations

import platform

import numpy as np
import pytest

from attnbench.devices.wheels import wheel_for
from attnbench.errors import MissingTool
from attnbench.runner import Local, Wheel, compute, find, info, measure_paired

pytestmark = pytest.mark.slow

OTHERS = {"onnxruntime": "1.30.0", "litert": "2.2.0", "executorch": "1.5.0"}


@pytest.fixture(scope="module", params=OTHERS)
def other(request) -> Wheel:
    """Downloaded once, and then in the cache."""
    try:
        return wheel_for(request.param, platform.machine(), OTHERS[request.param])
    except MissingTool as error:
        pytest.skip(f"{error}; {error.hint}")


@pytest.fixture
def job(other, make_job):
    return make_job(other.engine.name, place=Local(wheel=other))


def test_it_is_the_one_that_computes(job, other, make_job, inputs):
    told, usual = info(job), info(make_job(other.engine.name))
    assert (told.version, usual.version) == (other.version, find(other.engine.name).version)
    assert set(told.libraries.values()) != set(usual.libraries.values())
    ours, theirs = (compute(one, [inputs])[0] for one in (make_job(other.engine.name), job))
    for mine, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, their, rtol=1e-5, atol=1e-5)


def test_its_trace_tells_its_operators(job, inputs):
    launch, trace = measure_paired(job, inputs, warmup=1, iterations=3)
    assert len(launch.traced_ns) == len(trace.iterations) == 3
    kinds = [trace.operators[event.operator].kind.lower() for event in trace.iterations[0]]
    assert sum("conv" in kind or "fully connected" in kind for kind in kinds) >= 2
