"""An adb server of a machine's own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

from attnbench.emulation import process, tools
from attnbench.emulation.process import Process
from attnbench.errors import DeviceError

POLL_S = 0.1


def serve(folder: Path, port: int, serial: str, deadline: float) -> Process:
    """Start a server on `port` and connect it to the machine; DeviceError after `deadline`."""
    # Neither phones on USB nor other emulators are this server's business.
    private = {"HOME": str(folder), "ADB_USB": "0", "ADB_MDNS": "0", "ADB_EMU": "0"}
    environment = {**os.environ, **private, "ADB_LOCAL_TRANSPORT_MAX_PORT": "0"}
    environment.pop("ADB_VENDOR_KEYS", None)
    adb = [tools.tool("adb"), "-P", str(port)]
    server = process.detach([*adb, "server", "nodaemon"], environment, folder / "adb.log")
    if server is None:
        raise DeviceError("adb's server ended at once", hint=f"its words: {folder / 'adb.log'}")
    try:
        connect(port, serial, deadline)
    except BaseException:
        server.end()
        raise
    return server


def connect(port: int, serial: str, deadline: float) -> None:
    """Wait until the server on `port` is connected to the machine; again is fine."""
    adb = [tools.tool("adb"), "-P", str(port)]
    while True:
        # `adb connect` would start a server if there were none yet: ask without starting one.
        if _answers(port):
            _call([*adb, "connect", serial])
            if _call([*adb, "-s", serial, "get-state"]).strip() == "device":
                return
        if time.monotonic() > deadline:
            raise DeviceError(f"adb does not connect to {serial}: {_call([*adb, 'devices'])}")
        time.sleep(POLL_S)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _call(argv: list[str]) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=15, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout
