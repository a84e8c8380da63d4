"""A real sshd on a free loopback port, with keys, configuration and known hosts of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from attnbench.devices.ssh import Login

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")

CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
"""


@dataclass
class Sshd:
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            # Also ends with us if nobody is left to end it; "us" is the thread that starts it.
            main = threading.current_thread() is threading.main_thread()
            argv = ["setpriv", "--pdeathsig", "TERM"] if main else []
            argv += [SSHD, "-D", "-e", "-f", self.folder / "config"]
            self.process = subprocess.Popen(argv, stderr=log)
        _wait_for(self.port, self.process, self.folder / "log")

    def stop(self) -> None:
        """Neither listen any more, nor serve those that are connected."""
        self.cut()
        self.process.terminate()
        self.process.wait(10)

    @property
    def login(self) -> Login:
        return Login(
            "127.0.0.1",
            port=self.port,
            user=getpass.getuser(),
            identity=self.folder / "user_key",
            known_hosts=self.folder / "known_hosts",
            isolated=True,
        )

    def sessions(self) -> list[int]:
        """The processes of sshd that serve connections."""
        return descendants(self.process.pid, "sshd")

    def cut(self) -> None:
        """Break every connection, as a network does that goes away."""
        for pid in self.sessions():
            os.kill(pid, signal.SIGKILL)


def descendants(pid: int, name: str) -> list[int]:
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        comm = Path(f"/proc/{child}/comm")
        try:
            if comm.read_text().startswith(name):
                found += [*descendants(int(child), name), int(child)]
        except FileNotFoundError:
            continue
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def keygen(file: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)


@contextmanager
def serving(folder: Path) -> Iterator[Sshd]:
    assert SSHD is not None
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists, when it is root
    port = free_port()
    keygen(folder / "host_key")
    keygen(folder / "user_key")
    host_key = (folder / "host_key.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")
    (folder / "config").write_text(CONFIG.format(port=port, folder=folder))
    sshd = Sshd(folder, port)
    sshd.start()
    try:
        yield sshd
    finally:
        sshd.stop()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())
