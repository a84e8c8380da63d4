"""A Pi and a phone that count instructions, through the command line, in each runtime."""

from __future__ import annotations

import json
from statistics import fmean

import pytest
from click.testing import CliRunner

from attnbench.cli import main
from attnbench.devices import DEVICES
from attnbench.emulation import running
from tests.devices.artifacts import BACKENDS
from tests.devices.test_counters import allowed, launch_on
from tests.emulation.machines import own_machines, said

pytestmark = [pytest.mark.emulated, pytest.mark.slow]


def attnbench(*words):
    return CliRunner().invoke(main, [*map(str, words)])


@pytest.fixture(scope="module", params=["rpi5", "pixel4"])
def counting(request, emulation, tmp_path_factory):
    """The name of a device; a set of machines of its own, since these are up in another way."""
    with own_machines(tmp_path_factory.mktemp("counting")):
        done = attnbench("emulate", request.param, "up", "--time", "instructions")
        assert done.exit_code == 0, done.stderr
        yield f"{request.param}-emulated"


@pytest.fixture(scope="module")
def profiled(counting, artifacts, tmp_path_factory):
    """
    What `profile --json` says of the artifact of each backend, and its record.

    ONNX Runtime's profiler is calibrated first, which takes a minute: on the Pi only.
    """
    runs = tmp_path_factory.mktemp("runs")
    there = [one for one in BACKENDS if one != "onnx" or counting.startswith("rpi5")]
    paths = [artifacts[backend].path for backend in there]
    done = attnbench("profile", *paths, "--device", counting, "--runs", runs, "--json")
    assert done.exit_code == 0, done.stderr
    (record,) = runs.glob("*.json")
    found = json.loads(done.stdout)["measurements"]
    return {one["artifact"]["backend"]: one for one in found}, record


def test_profile(profiled, counting):
    assert {"tflite", "executorch"} <= set(profiled[0]) <= set(BACKENDS)
    for one in profiled[0].values():
        check(one, counting)


def check(one, counting):
    assert (one["clock"], one["device"]["name"]) == ("instructions", counting)
    assert [len(run) for run in one["runs"]] == [3]
    assert (one["threads"], one["cpus"]) == (1, [3] if counting.startswith("rpi5") else [7])
    assert one["paired"]["iterations"] == 3
    assert one["refusal"] is None
    assert sum(block["kind"] == "attention" for block in one["blocks"]) == 3
    assert one["latency_ns"]["median"] == min(one["runs"][0])
    # The first inference may touch memory for the first time; of such a small one that is much.
    least, second, _ = sorted(one["runs"][0])
    assert second / least < 1.05
    assert not [text for text in one["validity"]["warnings"] if "add up" not in text]


@pytest.mark.parametrize("counting", ["rpi5"], indirect=True)
def test_a_loop_of_a_shell_takes_the_same_again(counting):
    loop = "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done"
    timed = f"a=$(date +%s%N); {loop}; b=$(date +%s%N); echo $((b - a))"
    there = running(counting.removesuffix("-emulated"))
    assert there.time == "instructions"
    times = [int(said(there, timed)) for _ in range(3)]
    assert max(times) / min(times) < 1.05


@pytest.mark.parametrize("counting", ["rpi5"], indirect=True)
def test_the_processors_own_counter_agrees_with_the_clock(counting, artifacts):
    device = DEVICES.get(counting)
    with allowed(device):
        launch = launch_on(device, artifacts)
    assert launch.counters.counts["instructions"] == pytest.approx(fmean(launch.plain_ns), rel=0.01)
    device.close()


def test_every_report_says_that_it_is_no_latency(profiled):
    _, record = profiled
    for suffix in ("md", "html"):
        assert "instruction time, not a latency" in record.with_suffix(f".{suffix}").read_text()
    assert "instruction time, not a latency" in " ".join(attnbench("report", record).stdout.split())


def test_a_model_is_not_above_itself(profiled, counting, artifacts, tmp_path):
    path = artifacts["tflite"].path
    words = ("--limit", "5", "--json", "--runs", tmp_path)
    done = attnbench("compare", path, path, "--device", counting, *words)
    assert done.exit_code == 0, done.stderr
    (found,) = json.loads(done.stdout)["comparisons"]
    assert found["whole"]["ratio"] == pytest.approx(1, abs=0.05)
    assert {row["path"] for row in found["blocks"]} > {"stem", "head", "(residual)"}


def test_stored_runs_are_compared_without_the_device(profiled):
    _, record = profiled
    done = attnbench("compare", record, record)
    assert done.exit_code == 0, done.stderr
    assert "It sees no caches and no memory" in " ".join(done.stdout.split())


def test_threads_are_refused(counting):
    done = attnbench("profile", "--block", "coord", "--device", counting, "--threads", 2)
    assert done.exit_code == 2
    assert "instruction time is that of one thread" in done.stderr
