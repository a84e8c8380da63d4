from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

SMALL = ("--size", "32", "--width", "0.35")

MY_BLOCK = """\
from torch import nn


class MyAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.gate = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        return x * self.gate(x.mean((2, 3), keepdim=True)).sigmoid()


class Wider(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, 2 * channels, 1)

    def forward(self, x):
        return self.conv(x)


class NeedsMore(nn.Module):
    def __init__(self, channels, heads):
        super().__init__()
"""

MY_MODELS = """\
from torch import nn


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.stages = nn.Sequential(
            nn.ModuleDict({"conv": nn.Conv2d(8, 8, 3), "gate": nn.Conv2d(8, 8, 1)})
        )
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.stem(x)
        for stage in self.stages:
            x = stage["conv"](x)
            x = x * stage["gate"](x.mean((2, 3), keepdim=True)).sigmoid()
        return self.head(x.mean((2, 3)))


def no_module():
    return "a string"


def refused():
    class Bessel(nn.Module):
        def forward(self, x):
            import torch

            return torch.special.bessel_j0(x)

    return Bessel()


def unknown():
    class Arctangent(nn.Module):
        def forward(self, x):
            return x.atan()

    return Arctangent()
"""


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said where."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict:
        return msgspec.json.decode(self.out)

    @property
    def errors(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("error: ")]

    @property
    def hints(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith(" hint: ")]


Cli = Callable[..., Said]


@pytest.fixture(scope="session")
def cli() -> Cli:
    """(folder, *words) -> what `attnbench words` says there, in a process of its own."""

    def run(folder: Path, *words: object, **environment: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "attnbench", *map(str, words)],
            cwd=folder,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A user's folder with a block and a model of their own, and nothing exported yet."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "my_block.py").write_text(MY_BLOCK)
    (folder / "my_models.py").write_text(MY_MODELS)
    return folder
