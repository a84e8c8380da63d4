"""One measurement through the real runner, and what becomes of doubts about it."""

import csv
from dataclasses import replace

import pytest

from attnbench.cli.outcome import exit_code
from attnbench.devices import DEVICES
from attnbench.errors import BadOption
from attnbench.pipeline.effort import Effort, sustained_effort
from attnbench.pipeline.load import FEWEST
from attnbench.pipeline.noise import artifact_in
from attnbench.pipeline.profile import profile
from attnbench.progress import Silent
from attnbench.records import INSTRUCTIONS, Validity
from attnbench.runner import find
from attnbench.runner.shipped import shipped
from attnbench.store import Run
from tests.report.invented import WHEN, measurement, run

HOST = DEVICES.get("host")
EFFORT = Effort(launches=2, iterations=25, paired_launches=0, warmup=5)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    effort = sustained_effort(EFFORT, HOST, 0.01)
    return profile(artifact_in(tmp_path_factory.mktemp("model")), HOST, effort, Silent())


def test_every_time_of_a_launch_is_kept(measured):
    pairs = zip(measured.warmup_runs, measured.runs, strict=True)
    assert [len(warm) + len(run) for warm, run in pairs] == [30, 30]
    assert all(len(warm) >= 5 for warm in measured.warmup_runs)
    assert set(measured.unsettled) <= {0, 1}
    assert measured.p90_ns.median >= measured.latency_ns.median


def test_a_load_is_one_process_with_its_summaries(measured):
    load = measured.sustained
    assert len(load.ns) >= FEWEST
    assert load.seconds == sum(load.ns) / 1e9
    assert min(load.ns) <= load.median_ns <= load.p90_ns.median <= max(load.ns)
    assert load.slope_low <= load.slope_high


def test_the_runtime_is_the_one_its_package_came_with(measured):
    assert measured.libraries == shipped(find("onnxruntime"))
    assert "binary" not in measured.validity.reasons


@pytest.mark.parametrize("name", ["onnxruntime", "litert", "executorch"])
def test_digests_are_those_that_the_package_recorded(name, tmp_path):
    """A package whose record says otherwise: what is expected follows the record, not the file."""
    wheel = find(name)
    known = shipped(wheel)
    assert known.keys() == {path.name for path in wheel.libraries}
    package = tmp_path / wheel.package.name
    package.symlink_to(wheel.package)
    moved = replace(wheel, package=package)
    assert shipped(moved) == known  # without a record: of the files themselves
    info = f"{wheel.engine.distribution.replace('-', '_')}-{wheel.version}.dist-info"
    (tmp_path / info).mkdir()
    with (tmp_path / info / "RECORD").open("w", newline="") as file:
        rows = [
            (str(path.relative_to(tmp_path)), "sha256=" + "A" * 43, "1") for path in moved.libraries
        ]
        csv.writer(file).writerows(rows)
    assert set(shipped(moved).values()) == {"0" * 64}


def test_a_load_in_instruction_time_is_refused():
    with pytest.raises(BadOption, match="--sustained: instruction time"):
        sustained_effort(EFFORT, replace(HOST, clock=INSTRUCTIONS), 60.0)


def test_strict_makes_a_doubt_a_failure():
    doubted, good = (
        run().measurements[1],
        measurement("onnx", 1.0, run().measurements[0].residual, 1.0),
    )
    assert doubted.validity.ok is False
    both = Run(WHEN, (good, doubted))
    assert exit_code(both, ()) == 0
    assert exit_code(both, (), strict=True) == 1
    assert exit_code(replace(both, measurements=(good,)), (), strict=True) == 0
    assert exit_code(Run(WHEN, (replace(good, validity=Validity(ok=False)),)), (), strict=True) == 1
