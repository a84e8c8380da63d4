"""
Android's adb client, always told which phone is meant.

`adb shell` passes one string to the shell there; with adb's second shell protocol (Android 7 and
later) the two output streams come back apart.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from attnbench import files
from attnbench.devices.adb_devices import Attached, choose, parse
from attnbench.devices.transport import (
    COPY_TIMEOUT_S,
    RUN_TIMEOUT_S,
    Called,
    ConnectionLost,
    Framed,
    call,
)
from attnbench.errors import DeviceError
from attnbench.runner.place import Finished

CONNECT_TIMEOUT_S = 15.0

_LOST = (
    "device offline",
    "not found",
    "no devices",
    "closed",
    "protocol fault",
    "connection reset",
)


@dataclass(frozen=True, slots=True)
class Phone:
    """Its serial, or "" for the single one of that model; the adb server's port, if unusual."""

    model: str
    serial: str = ""
    server_port: int | None = None


class Adb:
    """See Transport."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self._serial = ""

    @property
    def where(self) -> str:
        """See Transport."""
        return f"adb {self._serial or self.phone.serial or self.phone.model}"

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | Path = b"",
        timeout_s: float = RUN_TIMEOUT_S,
    ) -> Finished:
        """See Transport."""
        framed = Framed(argv)
        # Without -T a terminal might come in between, without -e none an escape character.
        words = ["shell", "-T", "-e", "none", framed.command]
        done = self._adb(words, stdin=stdin, timeout_s=timeout_s)
        finished = framed.finished(done.stdout, done.stderr)
        if finished is None:
            raise self._lost(done)
        return finished

    def push(
        self, local: Path, remote: PurePosixPath, *, timeout_s: float = COPY_TIMEOUT_S
    ) -> None:
        """See Transport."""
        if not local.is_file():
            raise DeviceError(f"{local}: there is no such file to send")
        # By a name of our own: adb takes some file names for more than names.
        with tempfile.TemporaryDirectory(prefix="attnbench-") as folder:
            link = Path(folder, "file")
            link.symlink_to(local.absolute())
            self._copy(["push", str(link), str(remote)], remote, timeout_s)

    def pull(
        self, remote: PurePosixPath, local: Path, *, timeout_s: float = COPY_TIMEOUT_S
    ) -> None:
        """See Transport."""
        with tempfile.TemporaryDirectory(prefix="attnbench-") as folder:
            fresh = Path(folder, "file")
            self._copy(["pull", str(remote), str(fresh)], remote, timeout_s)
            files.copy(fresh, local)

    def close(self) -> None:
        """See Transport."""
        self._serial = ""

    def _copy(self, words: Sequence[str], remote: PurePosixPath, timeout_s: float) -> None:
        done = self._adb(words, timeout_s=timeout_s)
        if not done.code:
            return
        said = done.complaint or done.stdout.decode(errors="replace").strip()
        if any(sign in said for sign in _LOST) and "remote" not in said:
            raise self._lost(done)
        raise DeviceError(f"{self.where}: {remote} cannot be copied: {said}")

    def _adb(self, words: Sequence[str], *, stdin: bytes | Path = b"", timeout_s: float) -> Called:
        argv = [*self._server(), "-s", self._chosen(), *words]
        return call(argv, stdin=stdin, timeout_s=timeout_s, where=self.where)

    def _server(self) -> list[str]:
        port = self.phone.server_port
        return ["adb"] if port is None else ["adb", "-P", str(port)]

    def _chosen(self) -> str:
        """The serial, looked for at the first call and after a lost connection."""
        if not self._serial:
            serial = self.phone.serial or os.environ.get("ANDROID_SERIAL", "")
            attached = self._attached()
            # A phone in the network is forgotten when the adb server is restarted.
            if ":" in serial and serial not in [one.serial for one in attached]:
                self._call("connect", serial)
                attached = self._attached()
            self._serial = choose(attached, serial, self.phone.model).serial
        return self._serial

    def _attached(self) -> tuple[Attached, ...]:
        done = self._call("devices", "-l")
        if done.code:
            raise DeviceError(f"adb: {done.complaint}", hint="adb kill-server; adb start-server")
        return parse(done.stdout.decode(errors="replace"))

    def _call(self, *words: str) -> Called:
        argv = [*self._server(), *words]
        return call(argv, stdin=b"", timeout_s=CONNECT_TIMEOUT_S, where=self.where)

    def _lost(self, done: Called) -> ConnectionLost:
        where, self._serial = self.where, ""
        return ConnectionLost(
            f"{where}: the connection was lost ({done.complaint or 'without a word'})",
            hint="check the cable, and that the phone is on and unlocked",
        )
