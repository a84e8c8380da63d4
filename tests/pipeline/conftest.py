from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from attnbench.pipeline import identity
from attnbench.pipeline.export import Outcome, Request, export
from attnbench.runner import build
from attnbench_models import Recipe

ROOT = Path(__file__).resolve().parents[2]
SMALL = Recipe(block="none", width=0.35, size=(32, 32), num_classes=10)

ENTRY_POINTS = """\
[attnbench.backend]
quick = tests.pipeline.fakes:QUICK
crashing = tests.pipeline.fakes:CRASHING
slow = tests.pipeline.fakes:SLOW
buggy = tests.pipeline.fakes:BUGGY
refusing = tests.pipeline.fakes:REFUSING
"""


class Steps:
    """A progress that remembers how each step ended."""

    def __init__(self) -> None:
        self.ended: dict[str, str] = {}

    def begin(self, step: str) -> None: ...

    def end(self, step: str, outcome: str) -> None:
        self.ended[step] = outcome


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of our own, but for the runner, whose compilation is tested elsewhere."""
    runners = build().parents[1]
    folder = tmp_path / "cache"
    (folder / "attnbench").mkdir(parents=True)
    (folder / "attnbench" / "runner").symlink_to(runners)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "attnbench"


@pytest.fixture
def plugin(tmp_path, monkeypatch) -> Iterator[Callable[[str], None]]:
    """Third-party backends, installed; call it with another version to update them."""
    site = tmp_path / "site"

    def install(version: str) -> None:
        info = site / "attnbench_fakes.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "entry_points.txt").write_text(ENTRY_POINTS)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: attnbench-fakes\nVersion: {version}\n"
        )

    install("1.0")
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep}{ROOT}")
    return install


@pytest.fixture
def make(tmp_path) -> Callable[..., tuple[Outcome, dict[str, str]]]:
    """(backend, **request) -> what `export` made of it, and how each step ended."""

    def call(backend: str = "quick", **changes: object) -> tuple[Outcome, dict[str, str]]:
        wanted = {"recipe": SMALL, "backends": (backend,), "out": tmp_path / "out", **changes}
        steps = Steps()
        return export(Request(**wanted), steps), steps.ended

    return call


@pytest.fixture(autouse=True)
def fresh_source_digest() -> Iterator[None]:
    identity.source_digest.cache_clear()
    yield
    identity.source_digest.cache_clear()
