"""Emulated machines for tests, which end when the tests are over."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from attnbench.emulation import MACHINES, Running, down, tools, up
from attnbench.errors import MissingTool
from attnbench.progress import Silent

OLD_PHONE = replace(MACHINES["pixel4"], cpu="cortex-a72", unlocked=True, android="10")


def run(there: Running, command: str) -> subprocess.CompletedProcess:
    """A shell command on a machine."""
    return subprocess.run([*there.argv, command], capture_output=True, text=True, timeout=60)


def said(there: Running, command: str) -> str:
    """What a command that succeeds prints, without the last line's end."""
    done = run(there, command)
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


def eventually(condition: Callable[[], object]) -> None:
    """Wait until it holds; it has seconds for what takes milliseconds."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def machines_in(folder: Path) -> Iterator[Path]:
    """Meanwhile machines are those of a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTNBENCH_EMULATED", str(folder))
        yield folder


@contextmanager
def own_machines(folder: Path) -> Iterator[Path]:
    """The same of machines that end with it."""
    with machines_in(folder):
        yield folder
        for name in MACHINES:
            down(name)


@pytest.fixture(scope="session")
def emulation(tmp_path_factory) -> Iterator[Path]:
    """The folder of those that all tests share which need no others."""
    try:
        tools.check()
    except MissingTool as error:
        pytest.skip(f"{error}; {error.hint}")
    with own_machines(tmp_path_factory.mktemp("emulated")) as folder:
        yield folder


@pytest.fixture(scope="session")
def old_machines(emulation, tmp_path_factory) -> Iterator[Path]:
    """The folder of an OLD_PHONE, for those who boot it."""
    folder = tmp_path_factory.mktemp("old")
    yield folder
    with own_machines(folder):
        pass


@pytest.fixture(scope="module")
def rpi5(emulation) -> Running:
    """As it is reached now: a test elsewhere may have cut its power."""
    return up(MACHINES["rpi5"], Silent())


@pytest.fixture(scope="module")
def pixel4(emulation) -> Running:
    """As it is reached now."""
    return up(MACHINES["pixel4"], Silent())
