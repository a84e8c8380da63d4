"""Emulated machines for tests: a set of their own, booted once, ended when the tests are over."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from attnbench.emulation import MACHINES, Running, down, tools, up
from attnbench.errors import MissingTool
from attnbench.progress import Silent


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


@pytest.fixture(scope="session")
def emulation(tmp_path_factory) -> Iterator[None]:
    try:
        tools.check()
    except MissingTool as error:
        pytest.skip(f"{error}; {error.hint}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTNBENCH_EMULATED", str(tmp_path_factory.mktemp("emulated")))
        yield
        for name in MACHINES:
            down(name)


@pytest.fixture(scope="session")
def rpi5(emulation) -> Running:
    return up(MACHINES["rpi5"], Silent())


@pytest.fixture(scope="session")
def pixel4(emulation) -> Running:
    return up(MACHINES["pixel4"], Silent())
