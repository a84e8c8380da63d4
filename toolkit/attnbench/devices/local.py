"""The machine that we are on, as if it were a device: no wire, and no shell in between."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from attnbench import files
from attnbench.devices.transport import COPY_TIMEOUT_S, RUN_TIMEOUT_S, call
from attnbench.errors import DeviceError, MissingTool
from attnbench.runner.place import Finished

NOT_FOUND = 127
"""What a shell answers for a program that is not there."""


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """See Transport."""

    where: str = "this machine"

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | Path = b"",
        timeout_s: float = RUN_TIMEOUT_S,
    ) -> Finished:
        """See Transport."""
        if any("\0" in word for word in argv):
            raise DeviceError("an argument cannot hold a zero byte")
        try:
            done = call(argv, stdin=stdin, timeout_s=timeout_s, where=self.where)
        except MissingTool as error:
            return Finished(NOT_FOUND, b"", f"{error}\n")
        code = done.code if done.code >= 0 else 128 - done.code
        return Finished(code, done.stdout, done.stderr.decode(errors="replace"))

    def push(
        self,
        local: Path,
        remote: PurePosixPath,
        *,
        timeout_s: float = COPY_TIMEOUT_S,  # noqa: ARG002  (a disk needs none)
    ) -> None:
        """See Transport."""
        _copy(local, Path(remote))

    def pull(
        self,
        remote: PurePosixPath,
        local: Path,
        *,
        timeout_s: float = COPY_TIMEOUT_S,  # noqa: ARG002  (a disk needs none)
    ) -> None:
        """See Transport."""
        try:
            files.copy(Path(remote), local)
        except OSError as error:
            raise DeviceError(f"{remote} cannot be read: {error.strerror}") from error

    def close(self) -> None:
        """See Transport."""


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise DeviceError(
            f"{source} cannot be copied to {target}: {error.strerror}",
            hint="make room there, or choose another workdir",
        ) from error
