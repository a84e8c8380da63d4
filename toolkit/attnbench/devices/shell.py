"""Small POSIX scripts on a device; what varies is an argument of theirs, never a part of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import TypeVar

from attnbench.devices.transport import RUN_TIMEOUT_S, ConnectionLost, Transport
from attnbench.errors import DeviceError
from attnbench.runner.place import Finished

T = TypeVar("T")

RECONNECT_S = 60.0
_PAUSE_S = 0.25

_STATES: Mapping[str, tuple[str, str]] = {
    "No space left on device": ("is full", "make room there, or choose another workdir"),
    "Disk quota exceeded": ("is over its quota", "make room there, or choose another workdir"),
    "Read-only file system": ("is read-only", "choose another workdir with --set workdir=..."),
    "Permission denied": ("is not ours to write", "choose another workdir with --set workdir=..."),
    "Not a directory": ("has a file where a folder has to be", "remove it, or choose another"),
}


def script(
    transport: Transport,
    text: str,
    *arguments: str | PurePosixPath,
    stdin: bytes | Path = b"",
    timeout_s: float = RUN_TIMEOUT_S,
) -> Finished:
    """Run a script; its arguments are `$1`, `$2`, ..."""
    argv = ["sh", "-c", text, "sh", *map(str, arguments)]
    return transport.run(argv, stdin=stdin, timeout_s=timeout_s)


def failed(transport: Transport, what: PurePosixPath, said: str) -> DeviceError:
    """The error for something that could not be written, with the device's own words."""
    words = " ".join(said.split())[:300]
    for sign, (state, hint) in _STATES.items():
        if sign in said:
            return DeviceError(f"{transport.where}: {what} {state} ({words})", hint=hint)
    return DeviceError(
        f"{transport.where}: {what} cannot be written ({words or 'without a word'})",
        hint="does the folder above it exist, and is it ours?",
    )


def persistently(work: Callable[[], T], deadline_s: float = RECONNECT_S) -> T:
    """
    Do what may be done twice, again after a lost connection, until the deadline.

    Only for work that changes nothing the second time; it is the connection that is tried again.
    """
    end = time.monotonic() + deadline_s
    while True:
        try:
            return work()
        except ConnectionLost:
            if time.monotonic() + _PAUSE_S > end:
                raise
            time.sleep(_PAUSE_S)
