"""What an export depends on, as a key: equal keys mean equal artifacts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from attnbench.errors import MissingTool
from attnbench.files import digest

SOURCES = (
    ("attnbench_models", ""),
    ("attnbench", "backends"),
    ("attnbench", "quantise"),
    ("attnbench", "rewrites"),
    ("attnbench", "pipeline/economies.py"),
    ("attnbench", "pipeline/reference.py"),
    ("attnbench", "pipeline/worker.py"),
)
"""Our own code that shapes an artifact: a change in it makes every cached export stale."""


def export_key(
    identity: str,
    backend: str,
    tools: dict[str, str],
    skip: Iterable[str],
    blocks: Sequence[str],
    target: str,
) -> str:
    """The cache key of one export; `identity` stands for the module and its weights."""
    facts = {
        "identity": identity,
        "backend": backend,
        "tools": tools,
        "skip": sorted(skip),
        "blocks": list(blocks),
        "target": target,
        "sources": source_digest(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def tool_versions(packages: Sequence[str], extra: str) -> dict[str, str]:
    """Versions of the installed distributions. Raises MissingTool naming the extra to install."""
    try:
        return {package: version(package) for package in packages}
    except PackageNotFoundError as error:
        hint = f"pip install 'attnbench[{extra}]'"
        raise MissingTool(f"{extra} needs {error.name}", hint=hint) from error


@cache
def source_digest() -> str:
    """A hash of our own sources that shape an artifact, found without importing them."""
    total = hashlib.sha256()
    for package, below in SOURCES:
        path = _home(package) / below
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            total.update(digest(file).encode())
    return total.hexdigest()


def _home(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None  # both packages are installed together
    assert spec.origin is not None
    return Path(spec.origin).parent
