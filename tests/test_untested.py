"""What is skipped is told, and where everything has to be tested it fails."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from attnbench.emulation import tools
from tests.untested import EVERYTHING

ROOT = Path(__file__).resolve().parents[1]

TESTS = """
import pytest

@pytest.mark.skipif(True, reason="no adb; apt-get install adb")
def test_by_mark(): pass

@pytest.fixture
def sshd(): pytest.skip("no sshd here; apt-get install --no-install-recommends openssh-server")

@pytest.mark.parametrize("number", [1, 2])
def test_by_fixture(sshd, number): pass

def test_of_another_kind(): pytest.skip("only root can mount")

def test_that_runs(): pass
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "test_it.py").write_text(TESTS)

    def run(**environment: str) -> subprocess.CompletedProcess:
        argv = [sys.executable, "-m", "pytest", "-p", "tests.untested", "-p", "no:cacheprovider"]
        clean = {key: value for key, value in os.environ.items() if key != EVERYTHING}
        return subprocess.run(
            [*argv, "--rootdir", tmp_path, tmp_path],
            cwd=ROOT,
            env=clean | {"PYTHONPATH": str(ROOT)} | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def test_what_was_skipped_is_told_with_the_one_command(run):
    done = run()
    assert done.returncode == 0
    told = done.stdout[done.stdout.index("NOT TESTED HERE") :]
    assert "1 test: no adb" in told
    assert "2 tests: no sshd here" in told
    assert "only root" not in told
    assert (
        "all of it: apt-get install --no-install-recommends adb openssh-server" in told.splitlines()
    )


def test_where_everything_is_to_be_tested_it_fails(run):
    done = run(**{EVERYTHING: "1"})
    assert done.returncode == 1
    assert "NOT TESTED" not in done.stdout
    assert re.search(r"1 passed, 1 skipped.* 3 errors", done.stdout)
    assert "not tested: no adb; apt-get install adb" in done.stdout


def test_ci_wants_everything_and_installs_it():
    script = (ROOT / ".ci" / "run").read_text()
    assert f"export {EVERYTHING}=1" in script
    lines = re.findall(r"^need (.*)$", script, re.MULTILINE)
    needed = {word for line in lines for word in shlex.split(line)}
    assert set(tools.PACKAGES.values()) - {"apt", "dpkg", "tar"} <= needed
    assert {"chromium", "g++-aarch64-linux-gnu", "openssh-server"} <= needed
