"""A whole device: what it is told, what it leaves, and what it does when things go wrong."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from attnbench.devices import remote as module
from attnbench.devices.bundle import PRIVATE_LOADER, Bundle
from attnbench.devices.local import LocalTransport
from attnbench.devices.lock import Lock
from attnbench.devices.profile import DeviceProfile
from attnbench.devices.reach import Reached, reach
from attnbench.devices.remote import Remote
from attnbench.devices.transport import ConnectionLost
from attnbench.errors import BadOption, DeviceError, RunnerError
from attnbench.records import Reading
from attnbench.runner import Reads, Writes
from tests.devices.flaky import Died, Flaky

# Answers with its arguments, copies its input to its output, and does what the input says.
RUNNER = """#!/bin/sh
echo "$ORT_DISABLE_TELEMETRY" >&2
printf '%s\\n' "$@"
while [ $# -gt 0 ]; do
  case $1 in
    --input) input=$2; shift;;
    --output) cp "$input" "$2"; shift;;
  esac
  shift
done
. "$input"
"""


class Bench:
    """A device in a folder, whose one engine is a script."""

    def __init__(self, folder: Path, transport=None, **profile) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        script = folder / "script"
        script.write_text(RUNNER)
        script.chmod(0o755)
        self.workdir = folder / "work dir"
        given = {"name": "board", "transport": "local", "model": "Board", "soc": "SoC"}
        given |= {"workdir": str(self.workdir), **profile}
        self.device = Remote(DeviceProfile(**given), Reached(transport or LocalTransport()))
        bundle = Bundle("fake", "1.0", "any", {"attnbench-runner": script})
        self.device._bundles["fake", ""] = bundle

    def call(self, does: str = "exit 0", *words: str, timeout_s: float = 30):
        source, target = self.folder / "input", self.folder / "output"
        source.write_text(does)
        arguments = ["run", "--input", Reads(source), "--output", Writes(target), *words]
        return self.device.place("fake", arguments, timeout_s)

    def left(self) -> list[str]:
        """What is on the device besides what is there to stay."""
        found = (path.relative_to(self.workdir) for path in self.workdir.rglob("*"))
        return sorted(
            str(path)
            for path in found
            if path.parts[0] not in ("files", "bundles") and str(path) not in ("runs", "incoming")
        )


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "device")


def test_a_launch(bench):
    done = bench.call("exit 3", "it's", "", "--threads", "1")
    words = done.stdout.decode().splitlines()
    assert done.code == 3
    assert done.stderr == "1\n"
    assert words[0] == "run"
    assert words[2].startswith(f"{bench.workdir}/files/")
    assert words[5:9] == ["it's", "", "--threads", "1"]
    assert words[9:] == [
        *("--lib-dir", f"{Path(words[10])}"),
        *("--plugin", f"{Path(words[10]).parent / 'libattnbench_executorch.so'}"),
        *("--lib-version", "1.0"),
    ]
    assert (bench.folder / "output").read_text() == "exit 3"
    assert bench.left() == []


def test_over_ssh(tmp_path, shared_ssh):
    bench = Bench(tmp_path / "device", shared_ssh)
    assert bench.call("exit 7").code == 7
    assert bench.left() == []


def test_processors_are_the_profiles_unless_asked_for(tmp_path):
    bench = Bench(tmp_path / "device", cpus=(2, 3))
    assert b"--cpus\n2,3\n" in bench.call().stdout
    assert b"--cpus\n0\n" in bench.call("exit 0", "--cpus", "0").stdout
    assert b"2,3" not in bench.call("exit 0", "--cpus", "0").stdout


def test_a_crash_is_passed_on(bench):
    assert bench.call("kill -11 $$").code == 139
    assert bench.left() == []


def test_no_answer_in_time_ends_it_there(bench):
    alive = bench.folder / "alive"
    with pytest.raises(RunnerError, match=r"fake: no answer in 1\.5 s"):
        bench.call(f"while :; do date >'{alive}'; sleep 0.1; done", timeout_s=1.5)
    alive.unlink(missing_ok=True)
    time.sleep(0.5)
    assert not alive.exists()
    assert bench.left() == []
    assert bench.call().code == 0


def test_a_runner_that_cannot_be_started_is_the_devices_fault(bench):
    bench.call()
    (runner,) = bench.workdir.glob("bundles/*/attnbench-runner")
    runner.chmod(0o644)
    with pytest.raises(DeviceError, match=r"cannot be started .*Permission denied"):
        bench.call()


def test_an_output_that_is_missing_is_an_error(bench):
    with pytest.raises(DeviceError, match="ended well, and left no output"):
        bench.call('rm "${input%/files*}"/runs/*/out/0')
    assert bench.call('rm "${input%/files*}"/runs/*/out/0; exit 6').code == 6


def test_somebody_else_measures(bench):
    other = Lock(LocalTransport(), bench.device.root, owner="ann@desk 4711")
    other.take()
    with pytest.raises(DeviceError, match="in use by ann@desk"):
        bench.call()
    assert not (bench.workdir / "runs").exists()
    other.drop()
    assert bench.call().code == 0


@pytest.mark.parametrize("when", ["before", "after", "half"])
@pytest.mark.parametrize("at", range(1, 9))
def test_a_wire_that_breaks_once_at_any_step_goes_unnoticed(tmp_path, at, when):
    flaky = Flaky(at, when)
    bench = Bench(tmp_path / "device", flaky)
    log = tmp_path / "log"
    assert bench.call(f"echo ran >>'{log}'").code == 0
    assert log.read_text() == "ran\n"
    bench.call()  # which sweeps away what could not be removed without a wire
    assert bench.left() == []


@pytest.mark.parametrize("when", ["before", "after", "half"])
@pytest.mark.parametrize("at", range(1, 9))
def test_a_death_at_any_step_does_not_trouble_the_next(tmp_path, at, when, monkeypatch):
    monkeypatch.setattr("attnbench.devices.lock._is_dead", lambda owner: True)
    bench = Bench(tmp_path / "device", Flaky(at, when, Died, for_good=True))
    with suppress(Died):
        bench.call("echo first")
    after = Bench(tmp_path / "device")
    done = after.call("echo second")
    assert done.stdout.endswith(b"second\n")
    assert (after.folder / "output").read_text() == "echo second"
    assert after.left() == []


def test_a_wire_that_stays_broken_is_an_error_and_waited_for_once(tmp_path):
    flaky = Flaky(4, for_good=True)
    bench = Bench(tmp_path / "device", flaky)
    bench.device.patiently.deadline_s = 1.5
    began = time.monotonic()
    with pytest.raises(ConnectionLost):
        bench.call()
    assert 1 < time.monotonic() - began < 3
    flaky.for_good = False
    assert bench.call().code == 0
    assert bench.left() == []


def test_conditions_around_two_launches(bench):
    seen = {"load_average": 0.5, "frequency_khz": {"0": 5}, "temperature_mc": None}
    with bench.device.watched() as watch:
        bench.call(f"cat <<'END' >/dev/null\n{json.dumps({'after': seen})}\nEND")
        bench.call("sleep 0.1")  # the kernel tells time in hundredths: shorter runs have no share
        assert [path.name for path in (bench.workdir / "lock").iterdir()]
    conditions = watch.conditions()
    assert isinstance(conditions.before, Reading)
    assert len(conditions.during) == 2
    assert conditions.load_before is not None
    assert conditions.cores == os.cpu_count()
    assert conditions.competing_cores >= 0
    assert "battery_percent" not in conditions.unknown
    assert conditions.notes == ()
    assert bench.left() == []


def test_a_private_loader_is_noted(tmp_path):
    bench = Bench(tmp_path / "device", private_loader=True)
    with bench.device.watched() as watch:
        pass
    assert watch.conditions().notes == (PRIVATE_LOADER,)


class Sensors:
    """A processor that cools down by a degree a look."""

    def __init__(self, *celsius: float | None) -> None:
        self.celsius = list(celsius)

    def __call__(self, transport, *, full) -> Reading:
        return Reading(self.celsius.pop(0) if len(self.celsius) > 1 else self.celsius[0])


def test_a_launch_waits_until_it_is_cool(tmp_path, monkeypatch):
    sensors = Sensors(64.0, 63.0, 62.0, 61.0, 60.0)
    monkeypatch.setattr(module, "look", sensors)
    monkeypatch.setattr(module, "POLL_S", 0.01)
    bench = Bench(tmp_path / "device", start_temperature_c=60.0, cooldown_s=30.0)
    with bench.device.watched() as watch:
        bench.call()
    assert sensors.celsius == [60.0]
    assert watch.conditions().starts_c == (60.0,)


@pytest.mark.parametrize("celsius", [70.0, None])
def test_it_does_not_wait_for_ever(tmp_path, monkeypatch, celsius):
    monkeypatch.setattr(module, "look", Sensors(celsius))
    monkeypatch.setattr(module, "POLL_S", 0.01)
    bench = Bench(tmp_path / "device", start_temperature_c=60.0, cooldown_s=0.2)
    with bench.device.watched() as watch:
        bench.call()
    assert watch.conditions().starts_c == (celsius,)
    assert watch.conditions().wanted.start_temperature_c == 60.0
    assert ("temperature_c" in watch.conditions().unknown) == (celsius is None)


def test_losing_the_lock_while_measuring_is_an_error(bench):
    def steal() -> None:
        (lock,) = (bench.workdir / "lock").iterdir()
        lock.rename(lock.with_name("thief"))

    def measure() -> None:
        with bench.device.watched():
            bench.call()
            steal()
            bench.call()

    with pytest.raises(DeviceError, match="somebody has taken over the lock"):
        measure()


def test_an_interrupt_ends_the_runner_and_gives_the_lock_back(bench):
    """As from Ctrl-C: the exception arrives while the runner runs."""
    alive = bench.folder / "alive"

    class Interrupted(LocalTransport):
        __slots__ = ()

        def run(self, argv, *, stdin=b"", timeout_s=60.0):
            if not any("mkdir started" in word for word in argv):
                return super().run(argv, stdin=stdin, timeout_s=timeout_s)
            thread = threading.Thread(target=super().run, args=(argv,), daemon=True)
            thread.start()
            while not alive.exists():
                time.sleep(0.02)
            raise KeyboardInterrupt

    bench = Bench(bench.folder, Interrupted())
    with pytest.raises(KeyboardInterrupt):
        bench.call(f"while :; do date >'{alive}'; sleep 0.1; done")
    time.sleep(0.3)
    alive.unlink(missing_ok=True)
    time.sleep(0.5)
    assert not alive.exists()
    assert not (bench.workdir / "lock").exists()


def test_an_emulated_device_is_not_profiled(tmp_path):
    bench = Bench(tmp_path / "device", transport=None)
    device = Remote(
        bench.device.profile, Reached(LocalTransport(), emulated="cortex-a76", time="real")
    )
    with pytest.raises(BadOption, match="is emulated") as caught, device.watched():
        pass
    assert "attnbench parity" in caught.value.hint
    counting = Reached(LocalTransport(), emulated="cortex-a76", time="instructions")
    assert Remote(bench.device.profile, counting).clock == "instructions"


def test_the_folder_may_be_under_home(tmp_path):
    bench = Bench(tmp_path / "device", workdir="~/a b/c")
    assert str(bench.device.root) == f"{os.environ['HOME']}/a b/c"


@pytest.mark.parametrize(
    ("transport", "where"),
    [
        ("ssh:pi@board", "ssh pi@board"),
        ("ssh://pi@board:2222", "ssh ssh://pi@board:2222"),
        ("adb:9A1AY1", "adb 9A1AY1"),
        ("adb", "adb Board"),
        ("local", "this machine"),
    ],
)
def test_profiles_name_their_wire(bench, transport, where):
    from msgspec.structs import replace

    assert reach(replace(bench.device.profile, transport=transport)).transport.where == where
