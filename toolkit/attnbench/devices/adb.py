"""
Android's adb client, always told which phone is meant.

`adb shell` passes one string to the shell there; with adb's second shell protocol (Android 7 and
later) the two output streams come back apart.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from attnbench.devices.adb_devices import Attached, Settling, choose, parse
from attnbench.devices.transport import (
    RUN_TIMEOUT_S,
    Called,
    ConnectionLost,
    Framed,
    NoAnswer,
    Transport,
    call,
)
from attnbench.errors import DeviceError
from attnbench.runner.place import Finished

CONNECT_TIMEOUT_S = 15.0
SETTLE_S = 5.0
"""A server that was just started calls phones offline until they have answered it."""

_PAUSE_S = 0.25


@dataclass(frozen=True, slots=True)
class Phone:
    """Its serial, or "" for the single one of that model; the adb server's port, if unusual."""

    model: str
    serial: str = ""
    server_port: int | None = None


class Adb(Transport):
    """See Transport. Not `adb push`: it takes some file names for more than names."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self._serial = ""
        self._lost = True

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
            self._lost = True
            raise ConnectionLost(
                f"{self.where}: the connection was lost ({done.complaint or 'without a word'})",
                hint="check the cable, and that the phone is on and unlocked",
            )
        return finished

    def close(self) -> None:
        """See Transport."""
        self._serial, self._lost = "", True

    def _adb(self, words: Sequence[str], *, stdin: bytes | Path = b"", timeout_s: float) -> Called:
        argv = [*self._server(), "-s", self._chosen(), *words]
        return call(argv, stdin=stdin, timeout_s=timeout_s, where=self.where)

    def _server(self) -> list[str]:
        port = self.phone.server_port
        return ["adb"] if port is None else ["adb", "-P", str(port)]

    def _chosen(self) -> str:
        """The serial, looked for at the first call; after a lost connection it stays the same."""
        if self._lost:
            # One that was lost is waited for by whoever tries again.
            self._serial = self._settled(0.0 if self._serial else SETTLE_S)
            self._lost = False
        return self._serial

    def _settled(self, seconds: float) -> str:
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self._found()
            except Settling:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_S)

    def _found(self) -> str:
        serial = self._serial or self.phone.serial or os.environ.get("ANDROID_SERIAL", "")
        attached = self.attached()
        # A phone in the network is forgotten when the adb server is restarted.
        if ":" in serial and serial not in [one.serial for one in attached]:
            with suppress(NoAnswer):
                self._call("connect", serial)
            attached = self.attached()
        return choose(attached, serial, self.phone.model).serial

    def attached(self) -> tuple[Attached, ...]:
        """All phones that adb knows of, in whatever state."""
        done = self._call("devices", "-l")
        if done.code:
            # One that was there is worth waiting for: its server may just be starting.
            kind = ConnectionLost if self._serial else DeviceError
            raise kind(f"adb: {done.complaint}", hint="adb kill-server; adb start-server")
        return parse(done.stdout.decode(errors="replace"))

    def _call(self, *words: str) -> Called:
        argv = [*self._server(), *words]
        return call(argv, stdin=b"", timeout_s=CONNECT_TIMEOUT_S, where=self.where)
