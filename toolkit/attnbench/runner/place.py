"""Where the runner runs. A place takes arguments and files, and gives back what came of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from attnbench.errors import RunnerError
from attnbench.runner.build import PLUGIN, build
from attnbench.runner.libraries import Wheel, find, find_all


@dataclass(frozen=True, slots=True)
class Reads:
    """An argument that names a local file, which has to be there before the runner starts."""

    path: Path


@dataclass(frozen=True, slots=True)
class Writes:
    """An argument that names a local file, which has to be here after the runner has ended."""

    path: Path


Argument = str | Reads | Writes


@dataclass(frozen=True, slots=True)
class Finished:
    """How a runner ended: its exit code (a signal's negative number), and what it printed."""

    code: int
    stdout: bytes
    stderr: str


class Place(Protocol):
    """The host, or a device: puts its own paths in for files, and adds its engine's libraries."""

    def __call__(self, engine: str, arguments: Sequence[Argument], timeout_s: float) -> Finished:
        """Run `attnbench-runner *arguments`; RunnerError if it has not ended in time."""


@dataclass(frozen=True, slots=True)
class Local:
    """
    The machine that we are on; `runner` None is ours, built on demand.

    `wheel` is another version of the runtime than the installed one; it is for one engine.
    """

    runner: Path | None = None
    wheel: Wheel | None = None

    def __call__(self, engine: str, arguments: Sequence[Argument], timeout_s: float) -> Finished:
        """See Place."""
        wheel = self.wheel or find(engine)
        runner = self.runner or build(wheels=find_all() | {engine: wheel})
        argv = [str(runner)]
        argv += [word if isinstance(word, str) else str(word.path) for word in arguments]
        argv += ["--lib-dir", str(wheel.directory), "--lib-version", wheel.version]
        argv += ["--plugin", str(runner.with_name(PLUGIN))]
        # The runner sets this too; here it holds for whatever the loader pulls in before main.
        environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
        try:
            done = subprocess.run(
                argv, capture_output=True, env=environment, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise RunnerError(
                f"{engine}: no answer in {timeout_s:g} s", hint="raise the time limit"
            ) from error
        return Finished(done.returncode, done.stdout, done.stderr.decode(errors="replace"))
