"""The runner of benchmarks/trust.py: another program, which computes the same."""

from pathlib import Path

import numpy as np
import pytest

from attnbench.runner import ENGINES, Local, build, compute, measure

SOURCE = Path(__file__).parents[2] / "benchmarks" / "slowed.cpp"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def slowed() -> Path:
    return build(extra=[SOURCE])


@pytest.mark.parametrize("engine", ENGINES)
def test_it_computes_the_same(engine, slowed, make_job, inputs):
    assert slowed != build()
    ours, theirs = (
        compute(make_job(engine, place=place), [inputs])[0] for place in (Local(), Local(slowed))
    )
    assert all(np.array_equal(*pair) for pair in zip(ours, theirs, strict=True))


def test_it_is_timed_as_any_other(slowed, make_job, inputs):
    launch = measure(make_job("onnxruntime", place=Local(slowed)), inputs, 2, 5)
    assert len(launch.plain_ns) == 5
    assert min(launch.plain_ns) > 0
