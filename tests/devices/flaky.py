"""A wire that breaks, or a process that dies, at a chosen call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from attnbench.devices.local import LocalTransport
from attnbench.devices.transport import ConnectionLost, Transport
from attnbench.runner import Finished

When = Literal["before", "after", "half"]


class Died(BaseException):
    """Our own process is no more: nothing of it runs after this."""


@dataclass
class Flaky:
    """
    Lets calls through until number `at`; there it raises, before or after the deed.

    With `for_good` every later call raises too, as for a process that was killed. `half` sends
    half of a file, and is as good as `before` for a command.
    """

    at: int
    when: When = "before"
    error: type[BaseException] = ConnectionLost
    for_good: bool = False
    inner: Transport = field(default_factory=LocalTransport)
    where: str = "a flaky wire"
    calls: int = 0

    def run(
        self, argv: Sequence[str], *, stdin: bytes | Path = b"", timeout_s: float = 60
    ) -> Finished:
        breaks = self._count()
        half = self.when == "half" and isinstance(stdin, Path)
        if breaks and half:
            whole = stdin.read_bytes()
            stdin = whole[: len(whole) // 2]
        elif breaks and self.when != "after":
            raise self.error("lost")
        done = self.inner.run(argv, stdin=stdin, timeout_s=timeout_s)
        if breaks:
            raise self.error("lost")
        return done

    def push(self, local: Path, remote: PurePosixPath, *, timeout_s: float = 60) -> None:
        breaks = self._count()
        if breaks and self.when == "before":
            raise self.error("lost")
        self.inner.push(local, remote, timeout_s=timeout_s)
        if breaks:
            if self.when == "half":
                there = Path(remote)
                there.write_bytes(there.read_bytes()[: there.stat().st_size // 2])
            raise self.error("lost")

    def pull(self, remote: PurePosixPath, local: Path, *, timeout_s: float = 60) -> None:
        self.inner.pull(remote, local, timeout_s=timeout_s)

    def close(self) -> None:
        self.inner.close()

    def _count(self) -> bool:
        self.calls += 1
        return self.calls == self.at or (self.for_good and self.calls > self.at)
