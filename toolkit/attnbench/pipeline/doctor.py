"""Is everything here that the main job needs, and if not, what to do."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from attnbench.backends.formats import FORMATS
from attnbench.errors import AttnbenchError
from attnbench.files import cache_dir, check_writable
from attnbench.pipeline.identity import tool_versions
from attnbench.runner import ENGINES, build, find

TESTED = (3, 11)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to be there; `hint` says what to do where it is not."""

    name: str
    ok: bool
    found: str
    hint: str = ""


def checks() -> Iterator[Check]:
    """From the ground up: a failing check explains those after it."""
    running = platform.python_version()
    yield Check("Python", sys.version_info >= TESTED, running, "3.11 or later is needed")
    for name, one in FORMATS.items():
        yield _attempt(f"export to {name}", partial(_tools, name, one.packages))
    for engine in ENGINES:
        yield _attempt(f"runtime {engine}", partial(_engine, engine))
    yield _attempt("native runner", lambda: str(build()))
    yield _writable()


def _attempt(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except AttnbenchError as error:
        return Check(name, False, str(error), error.hint)


def _tools(name: str, packages: tuple[str, ...]) -> str:
    found = tool_versions(packages, name)
    return ", ".join(f"{package} {version}" for package, version in found.items())


def _engine(name: str) -> str:
    wheel = find(name)
    return f"{wheel.engine.distribution} {wheel.version}, {len(wheel.libraries)} libraries"


def _writable() -> Check:
    try:
        check_writable(cache_dir())
    except AttnbenchError as error:
        hint = "set XDG_CACHE_HOME to a folder that can be written"
        return Check("cache folder", False, str(error), hint)
    return Check("cache folder", True, str(cache_dir()))
