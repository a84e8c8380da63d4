"""
OpenSSH, as its user has configured it.

One master connection carries all commands, so that a command costs a round trip and not a
handshake. Its socket lies in a private folder with a short path (a socket's path has at most 108
bytes); it ends with `close`, with this process, or when idle for long.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from attnbench.devices.transport import (
    RUN_TIMEOUT_S,
    Called,
    ConnectionLost,
    Framed,
    Transport,
    call,
)
from attnbench.errors import BadOption, DeviceError
from attnbench.runner.place import Finished

CONNECT_TIMEOUT_S = 30.0
IDLE_S = 300

HOST = re.compile(r"(?:ssh://)?(?:\w[\w.+-]*@)?(?:\w|\[)[\w.:%\[\]-]*", re.ASCII)
"""`[user@]host`, an alias of the user's ssh config, or `ssh://[user@]host[:port]`."""

_HARDENED = (
    "BatchMode=yes",  # a question would wait for ever
    "StrictHostKeyChecking=yes",
    "ClearAllForwardings=yes",
    "RequestTTY=no",
    "RemoteCommand=none",
    "PermitLocalCommand=no",
    "LogLevel=ERROR",
)
_MASTER = ("ControlMaster=yes", f"ControlPersist={IDLE_S}", "ServerAliveInterval=15")
# Where the master is gone, a command fails instead of shaking hands on its own.
_COMMAND = ("ControlMaster=no", "ProxyJump=none", "ProxyCommand=false")

_REFUSALS = (
    (
        "IDENTIFICATION HAS CHANGED",
        "its host key is not the one that is known",
        "if the device was installed anew: `ssh-keygen -R {host}`, then `ssh {host}` once",
    ),
    (
        "Host key verification failed",
        "its host key is not known here",
        "run `ssh {host}` once, compare the fingerprint, and accept it",
    ),
    (
        "Permission denied",
        "it does not let us in",
        "log in without a password first: `ssh-copy-id {host}`",
    ),
    ("Could not resolve", "there is no such host", "check the name, or the ssh config"),
)


@dataclass(frozen=True, slots=True)
class Login:
    """
    Where to, and what the user's ssh config does not say; an `isolated` one does not ask it.

    `patience` is how many times longer than usual a machine may take to answer.
    """

    host: str
    port: int | None = None
    user: str | None = None
    identity: Path | None = None
    known_hosts: Path | None = None
    isolated: bool = False
    patience: int = 1

    def __post_init__(self) -> None:
        if not HOST.fullmatch(self.host):
            raise BadOption(f"ssh cannot be asked for a host called {self.host!r}")

    @property
    def options(self) -> list[str]:
        """Arguments for ssh, which it reads before its configuration files."""
        words = ["-F", "none"] if self.isolated else []
        given = {
            "Port": self.port,
            "User": self.user,
            "IdentityFile": self.identity,
            "UserKnownHostsFile": self.known_hosts,
            "IdentitiesOnly": None if self.identity is None else "yes",
            "IdentityAgent": "none" if self.isolated else None,
            "GlobalKnownHostsFile": "/dev/null" if self.isolated else None,
            "ConnectTimeout": round(CONNECT_TIMEOUT_S * self.patience),
            "ServerAliveCountMax": 3 * self.patience,
        }
        for key, value in given.items():
            words += [] if value is None else ["-o", f"{key}={_quoted(value)}"]
        return words


class Ssh(Transport):
    """See Transport. Not scp: it needs a subsystem there, and its paths pass one more shell."""

    def __init__(self, login: Login) -> None:
        self.login = login
        self._folder = Path(tempfile.mkdtemp(prefix="attnbench-", dir=_short_folder()))
        self._doubtful = False
        self._number = 0
        self._end = weakref.finalize(self, _end, login, self._folder)

    @property
    def where(self) -> str:
        """See Transport."""
        return f"ssh {self.login.host}"

    @property
    def socket(self) -> Path:
        """Of the master connection; a new one each time, since one that ends removes its own."""
        return self._folder / str(self._number)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | Path = b"",
        timeout_s: float = RUN_TIMEOUT_S,
    ) -> Finished:
        """See Transport."""
        framed = Framed(argv)
        command = framed.command
        self._connect()
        done = self._ssh(_COMMAND, ["-T"], [command], stdin, timeout_s)
        finished = framed.finished(done.stdout, done.stderr)
        if finished is None:
            self._doubtful = True
            raise ConnectionLost(
                f"{self.where}: the connection was lost ({done.complaint or 'without a word'})",
                hint="check the network and the device's power; its login shell must be POSIX",
            )
        return finished

    def close(self) -> None:
        """See Transport."""
        if self.socket.exists():
            self._ssh((), ["-O", "exit"], [], b"", CONNECT_TIMEOUT_S)
        self._number += 1

    def _connect(self) -> None:
        """Make sure that there is a master connection."""
        if self.socket.exists() and not (self._doubtful and self._is_dead()):
            return
        self._doubtful = False
        self._number += 1
        self._folder.mkdir(mode=0o700, exist_ok=True)
        done = self._ssh(
            _MASTER, ["-N", "-f"], [], b"", 2 * CONNECT_TIMEOUT_S * self.login.patience
        )
        if done.code:
            self._refused(done)

    def _is_dead(self) -> bool:
        """Whether nobody listens on the socket any more."""
        return bool(self._ssh((), ["-O", "check"], [], b"", RUN_TIMEOUT_S).code)

    def _refused(self, done: Called) -> NoReturn:
        said = done.stderr.decode(errors="replace")
        for sign, meaning, hint in _REFUSALS:
            if sign in said:
                raise DeviceError(
                    f"{self.where}: {meaning} ({done.complaint})",
                    hint=hint.format(host=self.login.host),
                )
        raise ConnectionLost(
            f"{self.where}: no connection ({done.complaint})",
            hint="is it on, in this network, and running sshd?",
        )

    def _ssh(
        self,
        options: Sequence[str],
        flags: Sequence[str],
        command: Sequence[str],
        stdin: bytes | Path,
        timeout_s: float,
    ) -> Called:
        argv = _argv(self.login, self.socket, options, flags)
        return call([*argv, *command], stdin=stdin, timeout_s=timeout_s, where=self.where)


def _argv(login: Login, socket: Path, options: Sequence[str], flags: Sequence[str]) -> list[str]:
    words = ["ssh", *flags, *login.options]
    for option in (*options, *_HARDENED, f"ControlPath={_quoted(socket)}"):
        words += ["-o", option]
    return [*words, "--", login.host]


def _end(login: Login, folder: Path) -> None:
    for socket in folder.glob("*"):
        argv = _argv(login, socket, (), ["-O", "exit"])
        call(argv, stdin=b"", timeout_s=CONNECT_TIMEOUT_S, where=login.host)
    shutil.rmtree(folder, ignore_errors=True)


def _quoted(value: object) -> str:
    """An option's value as ssh reads it: quoted, and a percent sign doubled."""
    text = str(value).replace("%", "%%")
    return f'"{text}"' if " " in text else text


def _short_folder() -> str:
    """Where a socket's path stays short, whatever $TMPDIR is."""
    usual = tempfile.gettempdir()
    return usual if len(usual) <= len("/var/folders/xx") else "/tmp"  # noqa: S108  (mkdtemp)
