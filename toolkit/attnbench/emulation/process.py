"""Programs that outlive the command that started them, known by pid and by when they began."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Process:
    """
    A process of ours; `started` is in clock ticks since boot, as in /proc/PID/stat.

    A pid alone may have gone to somebody else's process since: the pair never does.
    """

    pid: int
    started: int

    def alive(self) -> bool:
        """Whether it still runs; one that has ended and not been waited for does not."""
        return _started(self.pid) == self.started

    def end(self, grace_s: float = GRACE_S) -> None:
        """Ask it to end, make it after `grace_s`, and return once it has; it may be gone."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            # The handle stays with the process that it was opened for, so that checking now
            # and signalling later cannot hit another one.
            if not self.alive():
                return
            for number, patience in ((signal.SIGTERM, grace_s), (signal.SIGKILL, None)):
                signal.pidfd_send_signal(handle, number)
                if select.select([handle], [], [], patience)[0]:
                    return
        except ProcessLookupError:
            return
        finally:
            os.close(handle)


def find(pid: int) -> Process | None:
    """The process that has this pid now, if one has."""
    started = _started(pid)
    return None if started is None else Process(pid, started)


def detach(argv: Sequence[str], environment: Mapping[str, str], log: Path) -> Process | None:
    """
    Start a program in the background, its output in `log`; None if it ended at once.

    The shell between makes it nobody's child: it outlives us, and leaves no zombie if it does not.
    """
    script = '"$@" >"$0" 2>&1 </dev/null & echo $!'
    done = subprocess.run(
        ["setsid", "sh", "-c", script, str(log), *argv],
        stdout=subprocess.PIPE,
        env=dict(environment),
        check=True,
    )
    return find(int(done.stdout))


def _started(pid: int) -> int | None:
    try:
        text = Path("/proc", str(pid), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may hold anything, blanks and parentheses too.
    state, *rest = text.rpartition(")")[2].split()
    return None if state in "ZX" else int(rest[18])
