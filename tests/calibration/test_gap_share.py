"""The calibration finds a ratio that was put in, on traces made for it, and is kept."""

import math
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from attnbench.calibration import gap_share as module
from attnbench.calibration.gap_share import GapShare, added_and_gaps, gap_share, slope
from attnbench.calibration.models import GATES, INPUT, write_models
from attnbench.records import Event, Launch, Operator, Trace
from attnbench.runner import Job

CONV = Operator("conv", "Conv")
JOB = Job("onnxruntime", Path("any.onnx"))


def made_up(operators, gap_ns, share, plain_ns=1000):
    """A launch whose profiler spends `gap_ns` between operators and `share` of that inside."""
    each = plain_ns // operators + round(share * gap_ns)
    events = tuple(Event(0, i * (each + gap_ns), each) for i in range(operators))
    plain = (plain_ns,) * 8
    launch = Launch("onnxruntime", "1", {}, 1, (0,), 1, 1, (), plain, plain, 1, (), ())
    return launch, Trace("onnxruntime", 1, (CONV,), (events,) * 8)


@pytest.mark.parametrize("share", [0.0, 0.4, 0.9, 1.5])
def test_the_ratio_that_was_put_in_comes_out(share):
    pairs = [added_and_gaps(*made_up(n, 10, share)) for n in (10, 20, 50)]
    assert slope(pairs) == pytest.approx(share, abs=0.06)


def test_a_slower_machine_does_not_change_the_ratio():
    fast = slope([added_and_gaps(*made_up(10, 10, 0.8))])
    slow = slope([added_and_gaps(*made_up(10, 20, 0.8, plain_ns=2000))])
    assert slow == pytest.approx(fast)


def test_it_is_measured_once_for_a_machine_and_runtime(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    measured = []
    monkeypatch.setattr(
        module, "_measure", lambda job, *_: measured.append(job) or GapShare(0.8, 0.78, 0.82, 5)
    )
    first = gap_share(JOB, "some cpu", "1.31.1")
    assert gap_share(JOB, "some cpu", "1.31.1") == first
    assert len(measured) == 1
    gap_share(JOB, "another cpu", "1.31.1")
    gap_share(JOB, "some cpu", "1.32.0")
    gap_share(replace(JOB, threads=2), "some cpu", "1.31.1")
    gap_share(JOB, "some cpu", "1.31.1", 1, 3)
    assert len(measured) == 5


def test_a_calibration_on_a_busy_machine_is_not_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    spread = [GapShare(0.8, 0.5, 1.9, 5), GapShare(0.8, 0.78, 0.82, 5)]
    told = iter(spread)
    monkeypatch.setattr(module, "_measure", lambda *_: next(told))
    assert gap_share(JOB, "some cpu", "1.31.1") == spread[0]
    assert gap_share(JOB, "some cpu", "1.31.1") == spread[1]
    assert gap_share(JOB, "some cpu", "1.31.1") == spread[1]  # from the cache


def test_the_models_are_valid_and_of_the_kind_they_stand_for(tmp_path):
    paths = write_models(tmp_path)
    assert set(paths) == set(GATES)
    sizes = {}
    for name, path in paths.items():
        onnx.checker.check_model(str(path), full_check=True)
        model = onnx.load(path)
        shape = model.graph.input[0].type.tensor_type.shape
        assert tuple(d.dim_value for d in shape.dim) == INPUT
        sizes[name] = len(model.graph.node)
    assert sizes["plain"] < sizes["channel"] < sizes["strips"]


def test_a_real_profiler_spends_time_in_the_gaps(monkeypatch, tmp_path):
    """How much is for a quiet machine to say: benchmarks/closure.py shows what it is good for."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = gap_share(JOB, "this machine", "1.31.1", launches=1)
    assert math.isfinite(found.value)
    assert found.low == found.value == found.high
    assert found.launches == 1
