"""Small POSIX scripts on a device; what varies is an argument of theirs, never a part of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from attnbench.devices.transport import RUN_TIMEOUT_S, ConnectionLost, NoAnswer, Transport
from attnbench.errors import AttnbenchError, DeviceError
from attnbench.runner.place import Finished

T = TypeVar("T")

RECONNECT_S = 60.0
_PAUSE_S = 0.25

_STATES: Mapping[str, tuple[str, str]] = {
    "No space left on device": ("is full", "make room there, or choose another workdir"),
    # All that dash says of a full disk.
    "I/O error": ("takes no more data", "make room there, or choose another workdir"),
    "Disk quota exceeded": ("is over its quota", "make room there, or choose another workdir"),
    "Read-only file system": ("is read-only", "choose another workdir with --set workdir=..."),
    "Permission denied": ("is not ours to write", "choose another workdir with --set workdir=..."),
    "Not a directory": ("has a file where a folder has to be", "remove it, or choose another"),
    "File exists": ("has a file where a folder has to be", "remove it, or choose another"),
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


@dataclass(slots=True)
class Patience:
    """
    Does what may be done twice, again after a lost connection, until that was lost for too long.

    Only for work that changes nothing the second time; it is the connection that is tried again.
    Once it was given up, or the wait for it interrupted, `lost` says so, and the next ones fail at
    once: whoever tidies up after a device that is gone does not wait for it again. `check` raises
    DeviceError for one that is known not to come back.
    """

    deadline_s: float = RECONNECT_S
    lost: DeviceError | None = None
    check: Callable[[], object] = lambda: None

    def __call__(self, work: Callable[[], T]) -> T:
        """What `work` returns. Raises what it raises, ConnectionLost only after the deadline."""
        if self.lost is not None:
            raise self.lost
        since: float | None = None
        while True:
            began = time.monotonic()
            try:
                done = work()
            except (ConnectionLost, NoAnswer) as error:
                self.lost, now = error, time.monotonic()
                self.check()
                # What went on for longer than the deadline had a connection until now.
                if since is None or now - began > self.deadline_s:
                    since = now
                if isinstance(error, NoAnswer) or now + _PAUSE_S > since + self.deadline_s:
                    raise
                time.sleep(_PAUSE_S)
            except AttnbenchError:
                self.lost = None  # who says no is there
                raise
            else:
                self.lost = None
                return done
