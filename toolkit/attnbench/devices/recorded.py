"""A wire that writes down what passes over it, so that others can see where it went wrong."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from attnbench.devices.transport import COPY_TIMEOUT_S, RUN_TIMEOUT_S, Transport
from attnbench.errors import AttnbenchError
from attnbench.runner.place import Finished

_SHOWN_CHARACTERS = 2000


@dataclass(slots=True)
class Recorded:
    """See Transport; `lines` is the transcript so far. Scripts of ours are named by their size."""

    inner: Transport
    lines: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        """See Transport."""
        return self.inner.where

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | Path = b"",
        timeout_s: float = RUN_TIMEOUT_S,
    ) -> Finished:
        """See Transport."""
        with self._noted(shlex.join(_shortened(word) for word in argv)):
            done = self.inner.run(argv, stdin=stdin, timeout_s=timeout_s)
            self.lines.append(f"exit code {done.code}")
            self._quote("out", done.stdout.decode(errors="replace"))
            self._quote("err", done.stderr)
            return done

    def push(
        self, local: Path, remote: PurePosixPath, *, timeout_s: float = COPY_TIMEOUT_S
    ) -> None:
        """See Transport."""
        with self._noted(f"push {local} ({local.stat().st_size} bytes) to {remote}"):
            self.inner.push(local, remote, timeout_s=timeout_s)

    def pull(
        self, remote: PurePosixPath, local: Path, *, timeout_s: float = COPY_TIMEOUT_S
    ) -> None:
        """See Transport."""
        with self._noted(f"pull {remote} to {local}"):
            self.inner.pull(remote, local, timeout_s=timeout_s)

    def close(self) -> None:
        """See Transport."""
        self.inner.close()

    @contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        self.lines.append(f"$ {what}")
        start = time.monotonic()
        try:
            yield
        except AttnbenchError as error:
            self.lines.append(f"{type(error).__name__}: {error}")
            raise
        finally:
            self.lines.append(f"{time.monotonic() - start:.2f} s\n")

    def _quote(self, stream: str, text: str) -> None:
        printable = "".join(c if c.isprintable() or c == "\n" else "·" for c in text)
        shown = printable[:_SHOWN_CHARACTERS]
        self.lines += [f"{stream}: {line}" for line in shown.splitlines()]
        if len(printable) > len(shown):
            self.lines.append(f"{stream}: … {len(printable) - len(shown)} characters more")


def _shortened(word: str) -> str:
    return word if "\n" not in word else f"<script of {word.count(chr(10))} lines>"
