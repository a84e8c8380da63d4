"""Somebody with an empty home and an empty folder, who types what README.md says."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from attnbench import cli

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)


@dataclass(frozen=True)
class Newcomer:
    folder: Path
    home: Path

    def types(self, line: str) -> Finished:
        """One command line, as it stands; `attnbench` is this environment's."""
        hidden = ("XDG_CACHE_HOME", "PYTHONPATH", "ATTNBENCH_DEVICES")
        environment = {key: value for key, value in os.environ.items() if key not in hidden}
        path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        environment |= {"HOME": str(self.home), "PATH": path, "COLUMNS": "100"}
        done = subprocess.run(
            shlex.split(line),
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)


def code_blocks(language: str, page: Path = README) -> list[str]:
    """A page's fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def parsed(words: list[str]) -> dict[str, object]:
    """What the command line understands of our own words; a wrong one raises."""
    command: click.Command = cli.main
    context = click.Context(command)
    while isinstance(command, click.Group):
        name, *words = words
        found = command.get_command(context, name)
        assert found is not None, name
        command = found
    return command.make_context(name, words, parent=context).params


def commands(page: Path = README) -> list[str]:
    """Every line of a page's shell blocks, without comments and continued over backslashes."""
    text = "\n".join(code_blocks("sh", page)).replace("\\\n", " ")
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
    return [line for line in lines if line]
