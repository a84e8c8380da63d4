"""README.md cannot rot: its commands parse, its targets exist, its Python runs."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest

from attnbench import cli
from attnbench.backends import FORMATS
from attnbench.rewrites import REWRITES
from attnbench_models.blocks import BLOCKS
from tests.e2e.newcomer import README, ROOT, code_blocks, commands, parsed

LINES = commands()
OURS = [line for line in LINES if line.startswith("attnbench ")]
MAKE = [line for line in LINES if line.startswith("make")]


def test_there_are_commands_of_either_kind():
    assert len(OURS) > 10
    assert {"make run", "make test"} <= set(MAKE)
    known = ("attnbench ", "make", "git clone ", "cd ")
    assert not [line for line in LINES if not line.startswith(known)]


@pytest.mark.parametrize("line", OURS)
def test_every_command_parses(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()  # the one folder that a command expects
    _, *words = shlex.split(line)
    if words[0].startswith("-"):
        assert words[0] in ("--help", "--version")
        return
    given = parsed(words)
    block = given.get("block") or "none"
    assert ":" in block or block in BLOCKS
    assert set(given.get("backends") or ()) <= set(FORMATS)
    assert set(given.get("skip") or ()) <= {one.name for one in REWRITES}


@pytest.mark.parametrize("line", MAKE)
def test_every_make_target_exists(line):
    done = subprocess.run(
        [*shlex.split(line), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("code", code_blocks("python"))
def test_python_runs(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(README), "exec"), {"__name__": "readme"})


def test_what_is_not_built_yet_is_no_command():
    _, _, rest = README.read_text().partition("## Not built yet")
    planned = rest.partition("\n## ")[0]
    assert not [name for name in cli.COMMANDS if f"`{name}`" in planned]


def test_every_file_that_is_linked_exists():
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", README.read_text())
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert not missing
