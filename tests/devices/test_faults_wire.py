"""What can go wrong on the way: a real sshd that ends, comes back, or is not the same any more."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from attnbench.clock import now
from attnbench.devices import DEVICES
from attnbench.devices import ssh as module
from attnbench.devices.ssh import Ssh
from attnbench.pipeline.profile import profile
from attnbench.progress import Silent
from attnbench.store import Run
from tests.devices import sshd as server
from tests.devices.faults import EFFORT, PATIENCE_S, Fault, Site, check, dead_owner
from tests.devices.sshd import Sshd, keygen

pytestmark = pytest.mark.slow

DOWN_S = 1.0
NOISE = """\
ForceCommand echo welcome to this board; echo and have fun >&2; eval "$SSH_ORIGINAL_COMMAND"
"""


class Wired(Site):
    """A site behind an sshd of its own."""

    sshd: Sshd


def cut(site: Wired) -> None:
    site.sshd.cut()


def restarted(site: Wired) -> Callable[[], object]:
    """Gone with all its connections, and back after a while."""
    site.sshd.stop()
    back = threading.Timer(DOWN_S, site.sshd.start)
    back.start()
    return back.join


def gone(site: Wired) -> Callable[[], object]:
    site.sshd.stop()
    return site.sshd.start


def listener_gone(site: Wired) -> Callable[[], object]:
    """Nobody is let in any more; who is in stays."""
    site.sshd.process.terminate()
    site.sshd.process.wait(10)
    return site.sshd.start


def master_killed(site: Wired) -> None:
    """Our own end of the connection is gone, as if it had crashed."""
    said = site.transport._ssh((), ["-O", "check"], [], b"", 10).stderr
    os.kill(int(said.split(b"pid=")[1].split(b")")[0]), signal.SIGKILL)


def socket_removed(site: Wired) -> None:
    site.transport.socket.unlink()


def silent(site: Wired) -> Callable[[], object]:
    """A network that lets nothing through, and says so to nobody."""
    pids = site.sshd.sessions()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    return lambda: [os.kill(pid, signal.SIGKILL) for pid in pids]


def other_key(site: Wired) -> Callable[[], object]:
    """Another machine answers at that address."""
    known = [site.sshd.folder / name for name in ("host_key", "host_key.pub")]
    content = [path.read_bytes() for path in known]
    site.sshd.stop()
    for path in known:
        path.unlink()
    keygen(known[0])
    site.sshd.start()

    def mend() -> None:
        site.sshd.stop()
        for path, data in zip(known, content, strict=True):
            path.write_bytes(data)
        site.sshd.start()

    return mend


def locked_out(site: Wired) -> Callable[[], object]:
    """Our key is taken out of authorized_keys while we are in, and the connection breaks."""
    keys = site.sshd.folder / "user_key.pub"
    ours = keys.read_bytes()
    keys.write_bytes(b"")
    site.sshd.cut()
    return lambda: keys.write_bytes(ours)


def noisy(site: Wired) -> Callable[[], object]:
    """A login shell whose own files print something."""
    config = site.sshd.folder / "config"
    usual = config.read_text()
    site.sshd.stop()
    config.write_text(usual + NOISE)
    site.sshd.start()
    site.transport.close()

    def mend() -> None:
        config.write_text(usual)
        site.sshd.stop()
        site.sshd.start()

    return mend


LOST = "the connection was lost|no connection"
FAULTS = [
    Fault("cut", "idle", cut),
    Fault("cut", "push", cut),
    Fault("cut", "run", cut),
    Fault("cut", "pull", cut),
    Fault("sshd restarted", "idle", restarted),
    Fault("sshd restarted", "push", restarted),
    Fault("sshd restarted", "run", restarted),
    Fault("sshd restarted", "pull", restarted),
    Fault("sshd gone", "push", gone, LOST, 5),
    Fault("sshd gone", "run", gone, LOST, 5),
    Fault("sshd gone", "pull", gone, LOST, 5),
    Fault("sshd lets nobody in", "run", listener_gone),
    Fault("silence", "run", silent),
    Fault("master killed", "idle", master_killed),
    Fault("master killed", "push", master_killed),
    Fault("master killed", "run", master_killed),
    Fault("socket removed", "idle", socket_removed),
    Fault("socket removed", "push", socket_removed),
    Fault("socket removed", "run", socket_removed),
    Fault("another host key", "idle", other_key, "host key is not the one that is known", 5),
    Fault("another host key", "run", other_key, "host key is not the one that is known", 5),
    Fault("locked out", "run", locked_out, "it does not let us in", 5),
    Fault("noisy shell", "idle", noisy),
]


@pytest.fixture(scope="module")
def dead() -> str:
    return dead_owner()


@pytest.fixture(scope="module")
def own_sshd(sshd, tmp_path_factory):
    """Not the session's, which other tests need."""
    with server.serving(tmp_path_factory.mktemp("own")) as running:
        yield running


@pytest.fixture
def quick(monkeypatch):
    """Silence is noticed after three seconds rather than 45; so is a host that does not answer."""
    slow = "ServerAliveInterval=15"
    assert slow in module._MASTER
    kept = tuple(word for word in module._MASTER if word != slow)
    monkeypatch.setattr(module, "_MASTER", (*kept, "ServerAliveInterval=1"))
    monkeypatch.setattr(module, "CONNECT_TIMEOUT_S", 3)


@pytest.fixture(scope="module")
def earlier(artifacts) -> Run:
    """A record from before, which no fault may touch."""
    return Run(now(), (profile(artifacts["tflite"], DEVICES.get("host"), EFFORT, Silent()),))


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_of_the_wire(fault, artifacts, earlier, tmp_path, dead, own_sshd, quick):
    assert DOWN_S < PATIENCE_S
    wire = Ssh(own_sshd.login)
    site = Wired(tmp_path, artifacts["tflite"], wire)
    site.sshd = own_sshd
    site.store.add(earlier)
    try:
        check(site, fault, dead)
    finally:
        wire.close()
