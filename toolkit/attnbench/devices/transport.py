"""How to run a program on a machine and how to move files there and back, whatever the wire."""

from __future__ import annotations

import secrets
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from attnbench import files
from attnbench.errors import DeviceError, MissingTool
from attnbench.runner.place import Finished

RUN_TIMEOUT_S = 60.0
COPY_TIMEOUT_S = 600.0


class ConnectionLost(DeviceError):
    """The wire broke: nobody knows whether the program ran, runs, or has ended."""


class NoAnswer(DeviceError):
    """The program did not end in time; it may still be running there."""


class Transport(Protocol):
    """
    A wire to one machine. Finished when tests/conformance/transport.py passes for it.

    Nothing here is tried again: who calls knows whether a program may run twice. Files travel
    through `run` unless a wire knows better: another protocol would break in ways of its own.
    """

    @property
    def where(self) -> str:
        """For messages: `ssh pi@rpi5`."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | Path = b"",
        timeout_s: float = RUN_TIMEOUT_S,
    ) -> Finished:
        """
        Run a program there, its arguments unchanged, and wait for its end.

        A signal's code is 128 + its number. Raises ConnectionLost or NoAnswer, and DeviceError or
        MissingTool if there is no connection to begin with; never because of the exit code.
        """

    def push(
        self, local: Path, remote: PurePosixPath, *, timeout_s: float = COPY_TIMEOUT_S
    ) -> None:
        """
        Copy a file into a folder there, over what has its name.

        After an error any part of it may have arrived.
        """
        argv = ["sh", "-c", 'cat >"$1"', "sh", str(remote)]
        done = self.run(argv, stdin=local, timeout_s=timeout_s)
        if done.code:
            raise DeviceError(f"{self.where}: {remote} cannot be written: {done.stderr.strip()}")

    def pull(
        self, remote: PurePosixPath, local: Path, *, timeout_s: float = COPY_TIMEOUT_S
    ) -> None:
        """Copy a file here. `local` is whole or untouched."""
        done = self.run(["cat", "--", str(remote)], timeout_s=timeout_s)
        if done.code:
            raise DeviceError(f"{self.where}: {remote} cannot be read: {done.stderr.strip()}")
        files.write(local, done.stdout)

    def close(self) -> None:
        """Give back what the connection holds; another call opens it again."""


@dataclass(frozen=True, slots=True)
class Framed:
    """
    A command line for the shell at the other end, which reports its exit code in its last words.

    Both clients answer a broken wire with a code that a program may have as well (255, 1). Only
    the mark on standard error, new for every call, says that the program has ended. The same mark
    on standard output comes first: what a login shell's own files print is not the program's.
    """

    argv: Sequence[str]
    mark: str = field(default_factory=lambda: f"attnbench-{secrets.token_hex(8)}:")

    @property
    def command(self) -> str:
        """One string for a POSIX shell."""
        if any("\0" in word for word in self.argv):
            raise DeviceError(f"an argument cannot hold a zero byte: {shlex.join(self.argv)!r}")
        return f"echo {self.mark}; {shlex.join(self.argv)}; echo {self.mark}$? >&2"

    def finished(self, stdout: bytes, stderr: bytes) -> Finished | None:
        """How the program ended; None if it did not get that far."""
        said, found, code = stderr.rpartition(self.mark.encode())
        digits = code.split(b"\n")[0].strip()
        _, began, printed = stdout.partition(f"{self.mark}\n".encode())
        if not (began and found and digits.isdigit()):
            return None
        return Finished(int(digits), printed, said.decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Called:
    """What a client program on this machine said."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def complaint(self) -> str:
        """Its last line on standard error, or nothing."""
        lines = self.stderr.decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""


def call(argv: Sequence[str], *, stdin: bytes | Path, timeout_s: float, where: str) -> Called:
    """
    Run a client program here. Raises MissingTool, or NoAnswer when the time is over.

    It gets no terminal to ask questions on: what it reads is `stdin`, and then the end.
    """
    try:
        if isinstance(stdin, Path):
            with stdin.open("rb") as file:
                done = subprocess.run(
                    argv, stdin=file, capture_output=True, timeout=timeout_s, check=False
                )
        else:
            done = subprocess.run(
                argv, input=stdin, capture_output=True, timeout=timeout_s, check=False
            )
    except FileNotFoundError as error:
        if isinstance(stdin, Path) and error.filename == str(stdin):
            raise DeviceError(f"{stdin}: there is no such file to send") from error
        raise MissingTool(
            f"{argv[0]} is not on the PATH", hint=f"apt install {PACKAGES.get(argv[0], argv[0])}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise NoAnswer(
            f"{where}: no answer in {timeout_s:g} s", hint="is it asleep, locked, or overloaded?"
        ) from error
    return Called(done.returncode, done.stdout, done.stderr)


PACKAGES = {"ssh": "openssh-client", "adb": "adb"}
