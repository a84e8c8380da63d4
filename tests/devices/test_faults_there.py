"""What can go wrong on a device itself, with the real runner on this machine as one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from attnbench.devices.local import LocalTransport
from attnbench.devices.lock import STALE_S, Lock
from attnbench.devices.remote import TIDY
from tests.devices.faults import Fault, Outcome, Site, check, dead_owner

pytestmark = pytest.mark.slow

GONE = "was killed, or could not write down its end"


def to_runner(number: int) -> Callable[[Site], None]:
    return lambda site: os.kill(site.runner(), number)


def to_supervisor(number: int) -> Callable[[Site], None]:
    return lambda site: os.kill(site.supervisor(), number)


def to_all(number: int) -> Callable[[Site], None]:
    return lambda site: os.killpg(site.supervisor(), number)


def ended_with(**files: str) -> Callable[[Site], None]:
    """The supervisor dies, and these files are what a disk has kept of the run's end."""

    def strike(site: Site) -> None:
        for name, content in files.items():
            (site.run_folder() / name).write_text(content)
        os.killpg(site.supervisor(), signal.SIGKILL)

    return strike


def then(text: str) -> Callable[[Site], None]:
    return lambda site: site.then(text)


def without_run(site: Site) -> None:
    shutil.rmtree(site.run_folder())


def without_workdir(site: Site) -> None:
    shutil.rmtree(site.workdir)


def flip(find: Callable[[Site], Path]) -> Callable[[Site], None]:
    """One bit is another."""

    def strike(site: Site) -> None:
        data = bytearray(find(site).read_bytes())
        data[len(data) // 2] ^= 1
        find(site).write_bytes(data)

    return strike


def cut_model(site: Site) -> None:
    os.truncate(site.model(), site.model().stat().st_size // 2)


def a_folder_as_model(site: Site) -> None:
    site.model().unlink()
    site.model().mkdir()
    (site.model() / "file").touch()


def a_file_as_workdir(site: Site) -> Callable[[], object]:
    shutil.rmtree(site.workdir)
    site.workdir.touch()
    return site.workdir.unlink


def a_link_to_nowhere_as_workdir(site: Site) -> Callable[[], object]:
    shutil.rmtree(site.workdir)
    site.workdir.symlink_to(site.workdir.with_name("nowhere"))
    return site.workdir.unlink


def a_link_as_workdir(site: Site) -> None:
    there = site.workdir.with_name("elsewhere")
    site.workdir.rename(there)
    site.workdir.symlink_to(there)


def a_file_as_runs(site: Site) -> None:
    shutil.rmtree(site.workdir / "runs", ignore_errors=True)
    (site.workdir / "runs").touch()


def aged(days: int) -> Callable[[Site], None]:
    """As after a jump of the device's clock: what was just sent seems that old."""

    def strike(site: Site) -> None:
        then = time.time() - days * 86400
        for path in site.workdir.rglob("*"):
            os.utime(path, (then, then))

    return strike


def other(site: Site, owner: str) -> Lock:
    return Lock(LocalTransport(), PurePosixPath(site.workdir), owner=owner)


def locked(owner: str, **changes: object) -> Callable[[Site], Callable[[], object]]:
    """Somebody has the lock; `changes` are of the words in its file."""

    def strike(site: Site) -> Callable[[], object]:
        lock = other(site, owner)
        lock.take()
        words = ["since", "boot", "owner"]
        said = dict(zip(words, Path(lock.file).read_text().split(maxsplit=2), strict=True))
        said |= {key: change(said[key]) for key, change in changes.items()}
        Path(lock.file).write_text(" ".join(said.values()) + "\n")
        return lock.drop

    return strike


def long_ago(since: str) -> str:
    return str(int(since) - STALE_S - 60)


def of_a_dead_one(site: Site) -> None:
    other(site, dead_owner()).take()


def a_file_as_lock(site: Site) -> Callable[[], object]:
    (site.workdir / "lock").touch()
    return (site.workdir / "lock").unlink


def scrawl(site: Site) -> None:
    (site.workdir / "lock").mkdir()
    (site.workdir / "lock" / "0123").write_bytes(b"\0\xff\n*")


def stolen(site: Site) -> Callable[[], object]:
    """Somebody takes it over, and tidies up, as after half an hour of silence."""
    thief = replace(other(site, "ann@desk 4711"), tidy=TIDY)
    (token,) = (path.name for path in (site.workdir / "lock").iterdir())
    assert thief._try(token).code == 0
    return thief.drop


FAULTS = [
    Fault("out of memory", "run", to_runner(signal.SIGKILL), "died of SIGKILL", 6),
    Fault("crash", "run", to_runner(signal.SIGSEGV), "died of SIGSEGV", 6),
    Fault("unknown instruction", "run", to_runner(signal.SIGILL), "died of SIGILL", 6),
    Fault("supervisor killed", "run", to_supervisor(signal.SIGKILL), GONE, 5),
    Fault("all of it killed", "run", to_all(signal.SIGKILL), GONE, 5),
    Fault("its folder removed", "run", without_run, GONE, 5),
    Fault("workdir removed", "run", without_workdir, GONE, 5),
    Fault("workdir removed", "between", without_workdir, "our lock on .* is gone", 5),
    Fault("status empty", "run", ended_with(status="", after="", times=""), "is damaged", 5),
    Fault("status scrawled", "run", ended_with(status="1x", after="", times=""), "is damaged", 5),
    Fault("half of the end", "run", ended_with(status="0", after=""), "times", 5),
    Fault("report cut short", "idle", then("truncate -s 100 stdout"), "document is none", 6),
    Fault("trace cut short", "idle", then("[ ! -e out/0 ] || truncate -s 100 out/0"), "trace", 6),
    Fault("trace absent", "idle", then("rm -f out/0"), "left no trace.json", 5),
    Fault("runner flipped", "idle", flip(lambda site: site.shelved("attnbench-runner.real"))),
    Fault("runtime flipped", "idle", flip(lambda site: site.shelved("lib/libLiteRt.so"))),
    Fault("runtime removed", "idle", lambda site: site.shelved("lib/libLiteRt.so").unlink()),
    Fault("model flipped", "idle", flip(Site.model)),
    Fault("model flipped", "between", flip(Site.model), "SHA-256 differs", 2),
    Fault("model cut", "idle", cut_model),
    Fault("model a folder", "idle", a_folder_as_model),
    Fault("workdir a file", "idle", a_file_as_workdir, "has a file where a folder", 5),
    Fault("workdir a link", "idle", a_link_as_workdir),
    Fault("workdir a dead link", "idle", a_link_to_nowhere_as_workdir, "has a file where", 5),
    Fault("runs a file", "idle", a_file_as_runs),
    Fault("clock a year ahead", "idle", aged(400)),
    Fault("clock a year ahead", "between", aged(400)),
    Fault("clock a year back", "idle", aged(-400)),
    Fault("lock of another", "idle", locked("ann@desk 4711 1/x"), "in use by ann@desk .*4711", 5),
    Fault("lock stale", "idle", locked("ann@desk 4711 1/x", since=long_ago)),
    Fault("lock before a restart", "idle", locked("ann@desk 4711 1/x", boot=lambda boot: boot[1:])),
    Fault("lock of a dead one", "idle", of_a_dead_one),
    Fault("lock scrawled", "idle", scrawl),
    Fault("lock a file", "idle", a_file_as_lock, "cannot be written|has a file where", 5),
    Fault("lock stolen", "between", stolen, "somebody has taken over the lock", 5),
    Fault("lock stolen", "run", stolen, f"{GONE}|taken over|our lock is gone", 5),
]


@pytest.fixture(scope="module")
def dead() -> str:
    return dead_owner()


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_there(fault, artifacts, tmp_path, dead):
    site = Site(tmp_path, artifacts["tflite"], LocalTransport())
    assert site.measure(site.client()) == Outcome(0, "")
    check(site, fault, dead)


def fill(site: Site) -> Callable[[], object]:
    """Nothing is left of the disk but what is in use."""
    ballast = site.workdir.parent / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return ballast.unlink


def read_only(site: Site) -> Callable[[], object]:
    disk = site.workdir.parent
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    return lambda: subprocess.run(["mount", "-o", "remount,rw", disk], check=True)


ON_DISK = [
    Fault("disk full", "idle", fill, "is full|takes no more data", 5),
    Fault("disk full", "run", fill, f"{GONE}|is full|No space left", 5),
    Fault("disk read-only", "idle", read_only, "is read-only", 5),
]


@pytest.mark.parametrize("fault", ON_DISK, ids=str)
def test_a_fault_of_the_disk(fault, artifacts, tmp_path, dead):
    disk = tmp_path / "disk"
    disk.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk]
    if os.geteuid() or subprocess.run(argv, capture_output=True).returncode:
        pytest.skip("SKIPPED faults of a disk: only root can mount a small one")
    try:
        site = Site(tmp_path, artifacts["tflite"], LocalTransport())
        site.workdir = disk / "work dir"
        assert site.measure(site.client()) == Outcome(0, "")
        check(site, fault, dead)
    finally:
        subprocess.run(["umount", disk], check=True)
