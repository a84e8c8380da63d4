"""One at a time, and nobody is locked out for ever."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import pytest

from attnbench.devices import lock as module
from attnbench.devices.local import LocalTransport
from attnbench.devices.lock import STALE_S, Lock
from attnbench.errors import DeviceError
from tests.devices.flaky import Died, Flaky


@pytest.fixture
def root(tmp_path) -> PurePosixPath:
    return PurePosixPath(tmp_path / "device")


@pytest.fixture
def make(root):
    def make(owner: str = f"somebody@elsewhere {os.getpid()}", transport=None) -> Lock:
        return Lock(transport or LocalTransport(), root, owner=owner)

    return make


def age(root: PurePosixPath, lock: Lock, seconds: int) -> None:
    """Make the holder's last sign of life that old."""
    file = Path(root, "lock", lock.token)
    since, rest = file.read_text().split(maxsplit=1)
    file.write_text(f"{int(since) - seconds} {rest}")


def test_a_lock_is_taken_renewed_and_dropped(make, root):
    lock = make()
    lock.take()
    lock.renew()
    assert [path.name for path in Path(root, "lock").iterdir()] == [lock.token]
    lock.drop()
    assert list(Path(root).iterdir()) == []
    lock.drop()


def test_taking_twice_is_the_same(make):
    lock = make()
    lock.take()
    lock.take()
    lock.drop()
    make().take()


def test_who_has_it_is_named_with_the_age(make, root):
    holder = make("ann@desk 4711")
    holder.take()
    age(root, holder, 90)
    with pytest.raises(DeviceError, match=r"in use by ann@desk \(process 4711\).* 9\d s ago") as no:
        make("bob@sofa 12").take()
    assert "30 minutes" in no.value.hint
    holder.renew()


@pytest.mark.parametrize("seconds", [STALE_S + 5, -500])
def test_a_stale_lock_is_broken_and_one_from_before_a_restart_too(make, root, seconds):
    holder, other = make("ann@desk 4711"), make("bob@sofa 12")
    holder.take()
    age(root, holder, seconds)
    other.take()
    assert [path.name for path in Path(root, "lock").iterdir()] == [other.token]
    with pytest.raises(DeviceError, match="somebody has taken over the lock"):
        holder.renew()
    holder.drop()
    other.renew()


def test_a_lock_from_before_a_restart_is_broken(make, root):
    holder, other = make("ann@desk 4711"), make("bob@sofa 12")
    holder.take()
    file = Path(root, "lock", holder.token)
    since, boot, rest = file.read_text().split(maxsplit=2)
    assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    file.write_text(f"{since} {boot[::-1]} {rest}")
    other.take()
    with pytest.raises(DeviceError, match="somebody has taken over the lock"):
        holder.renew()


def test_a_lock_that_is_gone_is_not_a_theft(make, root):
    lock = make()
    lock.take()
    shutil.rmtree(Path(root, "lock"))
    with pytest.raises(DeviceError, match=r"our lock on .* is gone") as caught:
        lock.renew()
    assert "restarted" in caught.value.hint


def ended() -> str:
    """The owner that a process was which is no more."""
    code = "from attnbench.devices import lock; print(lock._owner())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_process_of_ours_that_is_no_more_does_not_block(make):
    make(ended()).take()
    make(module._owner()).take()


@pytest.mark.parametrize("what", ["boot", "container", "host", "user", "words"])
def test_a_number_that_means_another_process_elsewhere_does(make, what):
    """The process is none here; whether it is one there, nobody here can know."""
    who, process, life = ended().split()
    user, _, host = who.partition("@")
    started, boot, container = life.split("/")
    owner = {
        "boot": f"{who} {process} {started}/{boot[::-1]}/{container}",
        "container": f"{who} {process} {started}/{boot}/pid:[1]",
        "host": f"{user}@other-{host} {process} {life}",
        "user": f"other-{user}@{host} {process} {life}",
        "words": f"{who} {process}",
    }
    make(owner[what]).take()
    with pytest.raises(DeviceError, match=f"process {process}"):
        make(module._owner()).take()


def test_our_number_on_another_process_does_not_block(make):
    """Numbers come round again: the lock's holder began at another time than who has it now."""
    who, process, life = module._owner().split()
    started, _, world = life.partition("/")
    make(f"{who} {process} {int(started) - 1}/{world}").take()
    make(module._owner()).take()


def test_a_user_without_a_name_has_a_lock(make, monkeypatch):
    def nameless():
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nameless)
    make(module._owner()).take()
    with pytest.raises(DeviceError, match=f"in use by {os.getuid()}@"):
        make().take()


def test_a_process_of_ours_that_lives_does_block(make):
    make(module._owner()).take()
    with pytest.raises(DeviceError, match=f"process {os.getpid()}"):
        make(module._owner()).take()


@pytest.mark.parametrize("wreck", ["empty", "no time", "nonsense"])
def test_a_wreck_is_cleared_away(make, root, wreck):
    folder = Path(root, "lock")
    folder.mkdir(parents=True)
    if wreck != "empty":
        (folder / "0123").write_text("" if wreck == "no time" else "\n\n")
    lock = make()
    lock.take()
    lock.renew()


def test_of_many_at_once_one_gets_it(make):
    def attempt(lock: Lock) -> bool:
        try:
            lock.take()
        except DeviceError:
            return False
        return True

    for _ in range(3):
        locks = [make() for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            got = list(pool.map(attempt, locks))
        assert sum(got) == 1
        locks[got.index(True)].drop()


def test_of_many_that_find_it_stale_one_gets_it(make, root):
    for _ in range(5):
        holder = make("ann@desk 4711")
        holder.take()
        age(root, holder, STALE_S + 5)
        locks = [make() for _ in range(6)]
        with ThreadPoolExecutor(6) as pool:
            done = list(pool.map(lambda lock: lock._try("").code, locks))
        assert done.count(0) == 1, done
        locks[done.index(0)].drop()


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_death_at_any_step_blocks_only_until_it_is_stale(make, root, at, when):
    lock = make(transport=Flaky(at, when, Died, for_good=True))

    def live() -> None:
        lock.take()
        lock.renew()
        lock.drop()

    with pytest.raises(Died):
        live()
    if Path(root, "lock").exists():
        age(root, lock, STALE_S + 5)
    make().take()


def test_two_wires_are_one_device(make, shared_ssh):
    holder = make(transport=shared_ssh)
    holder.take()
    with pytest.raises(DeviceError, match="in use by"):
        make().take()
    holder.drop()
    make().take()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DeviceError, match=r"cannot be written|has a file where"):
        Lock(LocalTransport(), PurePosixPath(tmp_path / "file" / "inside")).take()


def test_a_lock_that_cannot_be_taken_says_why(tmp_path):
    (tmp_path / "lock").write_text("a file")
    with pytest.raises(DeviceError, match="File exists"):
        Lock(LocalTransport(), PurePosixPath(tmp_path)).take()
