"""What can go wrong on this side: with the process that measures, its clock and its disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from attnbench import files
from attnbench.devices.local import LocalTransport
from attnbench.devices.ssh import Ssh
from attnbench.errors import BadOption
from attnbench.store import Run, Store
from tests.devices.faults import Fault, Outcome, Site

pytestmark = pytest.mark.slow

INTERRUPTED = {
    f"{name}-{when}": (number, when)
    for name, number in {
        "Ctrl-C": signal.SIGINT,
        "SIGTERM": signal.SIGTERM,
        "SIGKILL": signal.SIGKILL,
    }.items()
    for when in ("push", "run", "pull")
}


@pytest.fixture
def site(tmp_path, artifacts, sshd):
    wire = Ssh(sshd.login)
    yield Site(tmp_path, artifacts["tflite"], wire)
    wire.close()


def eventually(gone: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not gone():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("name", INTERRUPTED)
def test_a_process_that_is_ended(name, site, sshd):
    """As a terminal does it: the whole group gets the signal."""
    number, when = INTERRUPTED[name]
    # What a shell starts in the background ignores Ctrl-C, and so would its children.
    argv = ["env", "--default-signal=INT", sys.executable, "-m", "tests.devices.client"]
    argv += [site.gate.parent, sshd.folder, str(sshd.port), site.artifact.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        argv,
        env=environment,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    fault = Fault(name, when, lambda _: os.killpg(process.pid, number))
    with site.struck(fault, site.client()):
        _, said = process.communicate(timeout=120)
    assert process.returncode == -number, said.decode()
    assert site.records() == []
    if number == signal.SIGINT:
        # It tidied up itself: nobody has to wait, and nothing runs on.
        assert site.left() == []
    assert site.measure(site.client()) == Outcome(0, "")
    assert len(site.records()) == 1
    assert site.left() == []
    if when != "push":
        eventually(lambda: not alive(site.runner()))


def test_two_at_once(site):
    """One measures, the other is told so; afterwards both can."""
    (site.gate / "hold").touch()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(site.measure, site.client("ann@desk 4711 1/x"))
        eventually(lambda: (site.gate / "started").exists())
        second = site.measure(site.client())
        (site.gate / "hold").unlink()
        assert first.result() == Outcome(0, "")
    assert second.code == 5
    assert "in use by ann@desk (process 4711)" in second.said
    assert len(site.records()) == 1
    assert site.measure(site.client()) == Outcome(0, "")


@pytest.mark.parametrize("jump", ["2026-05-01T09", "2036-05-01T12"])
def test_a_clock_that_jumps_here(jump, artifacts, tmp_path, monkeypatch):
    """Only the clock that stamps records is made to jump: the machine's own is not ours to set."""
    site = Site(tmp_path, artifacts["tflite"], LocalTransport())
    hours = ["2026-05-01T12", jump, "2026-05-01T13"]
    for hour in hours:
        for module in ("attnbench.pipeline.bench", "tests.devices.faults"):
            monkeypatch.setattr(f"{module}.now", lambda hour=hour: f"{hour}:00:00+00:00")
        assert site.measure(site.client()) == Outcome(0, "")
    assert [one.taken_at[:13] for one in site.records()] == sorted(hours)


class Killed(BaseException):
    pass


RUN = Run("2026-05-01T12:00:00+00:00")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_death_while_a_record_is_written(step, tmp_path, monkeypatch):
    store = Store(tmp_path / "runs")
    with monkeypatch.context() as patch:

        def die(*_):
            raise Killed

        patch.setattr(*((os, step) if step == "fsync" else (Path, step)), die)
        with pytest.raises(Killed):
            store.add(RUN)
    assert list(store.folder.glob("[!.]*")) == []
    assert store.load(store.add(RUN)) == RUN
    assert store.latest() == store.add(RUN)  # the same record is not there twice
    assert len(list(store.folder.glob("[!.]*"))) == 1


def test_a_disk_that_is_full_here(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk]
    if os.geteuid() or subprocess.run(argv, capture_output=True).returncode:
        pytest.skip("SKIPPED a full disk: only root can mount a small one")
    try:
        store = Store(disk / "runs")
        first = store.add(RUN)
        big = Run("x" * 50_000)
        with pytest.raises(BadOption, match="No space left on device") as caught:
            store.add(big)
        assert "make room" in caught.value.hint
        assert list(store.folder.iterdir()) == [first]
        assert store.load(first) == RUN
        subprocess.run(["mount", "-o", "remount,size=1m", disk], check=True)
        assert store.load(store.add(big)) == big
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_file_where_the_records_should_be(tmp_path):
    (tmp_path / "runs").touch()
    with pytest.raises(BadOption, match="cannot be written"):
        Store(tmp_path / "runs").add(RUN)
    (tmp_path / "runs").unlink()
    assert Store(tmp_path / "runs").add(RUN).is_file()


def test_records_that_are_removed_meanwhile(tmp_path):
    store = Store(tmp_path / "runs")
    store.add(RUN)
    shutil.rmtree(store.folder)
    assert store.load(store.add(RUN)) == RUN
    assert files.STAGING not in {path.name for path in store.folder.iterdir()}
