"""Compiles the runner with whatever C++20 compiler there is, once per source and wheel version."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from attnbench.errors import MissingTool
from attnbench.files import cache_dir, staged
from attnbench.runner.libraries import Wheel, find_all

RUNNER = "attnbench-runner"
PLUGIN = "libattnbench_executorch.so"
STATIC = "attnbench-static"

_PACKAGE = Path(__file__).resolve().parents[1]
_SOURCE_FOLDERS = (_PACKAGE / "runner_src", _PACKAGE.parent / "runner")
_PREBUILT = _PACKAGE / "_prebuilt"
_KEY_FILE = "key"
_FLAGS = ("-std=c++20", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow")
# Phones and boards may have pages of 16 kB, and load nothing that is aligned for less.
_PAGES = "-Wl,-z,max-page-size=16384"
# The runtimes must find our clock_gettime before the C library's: see fine_clock.h.
_LINK = (_PAGES, "-ldl", "-Wl,--export-dynamic-symbol=clock_gettime")
_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class _Needs:
    """What it takes to compile something, and what to do where that is not there."""

    what: str
    hint: str


_COMPILER = _Needs("the runner, which is C++20", "apt install g++ (11 or later)")


def build(
    machine: str = "",
    wheels: Mapping[str, Wheel] | None = None,
    *,
    extra: Sequence[Path] = (),
) -> Path:
    """
    The runner's executable for `machine` ("" is this one), compiled if need be.

    `wheels` are the engines that it shall serve, those installed here by default. Only ExecuTorch
    has to be known when compiling: without it the runner lacks that plug-in, and nothing else.
    `extra` are further sources, linked last: for benchmarks that need a runner of their own.
    """
    machine = machine or platform.machine()
    wheels = find_all() if wheels is None else wheels
    key = source_key(wheels, extra)
    if key in _prebuilt_keys(machine):
        return _PREBUILT / machine / RUNNER
    compiler = compiler_for(machine)
    folder = cache_dir("runner") / _digest(key, machine, *compiler, *_version(compiler))
    if not (folder / RUNNER).is_file():
        _build_into(folder, compiler, key, wheels, extra)
    return folder / RUNNER


def build_static(machine: str) -> Path:
    """A tiny program that says hello, linked statically for `machine`, compiled if need be."""
    if source_key({}) in _prebuilt_keys(machine):
        return _PREBUILT / machine / STATIC
    compiler = compiler_for(machine)
    source = _sources() / "static" / "hello.cpp"
    key = _digest(source.read_text(), machine, *compiler, *_version(compiler), *_FLAGS, _PAGES)
    folder = cache_dir("static") / key
    if not folder.is_dir():
        with staged(folder) as fresh:
            _call([*compiler, *_FLAGS, "-static", _PAGES, str(source), "-o", str(fresh / STATIC)])
    return folder / STATIC


def prebuild(machine: str, wheels: Mapping[str, Wheel]) -> list[Path]:
    """Everything for `machine` that a wheel carries, so that its user needs no compiler."""
    folder = build(machine, wheels).parent
    return [*sorted(folder.iterdir()), build_static(machine)]


def _prebuilt_keys(machine: str) -> list[str]:
    """What the wheel's own runner for `machine` will do for; empty if there is none."""
    file = _PREBUILT / machine / _KEY_FILE
    return file.read_text().split() if file.is_file() else []


def source_key(wheels: Mapping[str, Wheel], extra: Sequence[Path] = ()) -> str:
    """What a runner depends on besides its compiler: its sources, and ExecuTorch's version."""
    root = _sources()
    files = sorted(path for path in root.rglob("*") if path.suffix in {".h", ".cpp"})
    contents = [f"{path.relative_to(root)}\n{path.read_text()}" for path in files]
    contents += [path.read_text() for path in extra]
    plugin = f"executorch {wheels['executorch'].version}" if "executorch" in wheels else ""
    return _digest(*contents, plugin, *_FLAGS, *_LINK)


def _sources() -> Path:
    return next(folder for folder in _SOURCE_FOLDERS if (folder / "main.cpp").is_file())


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def compiler_for(machine: str) -> tuple[str, ...]:
    """The C++ compiler for `machine`. Raises MissingTool with the package that has one."""
    native = machine == platform.machine()
    names = ("g++", "clang++") if native else (f"{machine}-linux-gnu-g++",)
    for name in names:
        found = shutil.which(name)
        if found:
            return (found,)
    package = "g++" if native else f"g++-{machine.replace('_', '-')}-linux-gnu"
    raise MissingTool(
        f"no C++ compiler for {machine} on the PATH (looked for {', '.join(names)})",
        hint=f"apt install {package}",
    )


def _version(compiler: Sequence[str]) -> tuple[str, ...]:
    done = subprocess.run(
        [*compiler, "--version"], capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
    )
    return (done.stdout,)


@dataclass(frozen=True, slots=True)
class _Unit:
    source: Path
    compiled: Path
    flags: tuple[str, ...] = ()
    needs: _Needs = _COMPILER


def _build_into(
    folder: Path,
    compiler: Sequence[str],
    key: str,
    wheels: Mapping[str, Wheel],
    extra: Sequence[Path],
) -> None:
    """What has the name is always complete, and what a killed build has left goes."""
    with (
        staged(folder) as built,
        tempfile.TemporaryDirectory(prefix="attnbench-") as objects,
    ):
        _compile_all(Path(objects), built, compiler, wheels, extra)
        # A runner with a plug-in is one without, too.
        (built / _KEY_FILE).write_text(f"{key}\n{source_key({}, extra)}\n")


def _compile_all(
    temporary: Path,
    built: Path,
    compiler: Sequence[str],
    wheels: Mapping[str, Wheel],
    extra: Sequence[Path],
) -> None:
    root = _sources()
    sources = [*sorted([*root.glob("*.cpp"), *root.glob("engines/*.cpp")]), *extra]
    runner = [
        _Unit(source, temporary / f"{number}.o", (f"-I{root}",))
        for number, source in enumerate(sources)
    ]
    plugin = _plugin_units(root, temporary, wheels)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # Begun first since it takes longest, and heard last: a compiler that is too old fails both.
        longest = pool.map(lambda unit: _compile(compiler, unit), plugin)
        list(pool.map(lambda unit: _compile(compiler, unit), runner))
        list(longest)
    _call([*compiler, *_objects(runner), *_LINK, "-o", str(built / RUNNER)])
    if plugin:
        libraries = wheels["executorch"].directory
        link = ["-shared", _PAGES, f"-L{libraries}", "-lexecutorch", "-lexecutorch_threadpool"]
        # The runner has opened these libraries, from wherever they are, before the plug-in.
        link.append("-Wl,--allow-shlib-undefined")
        _call([*compiler, *_objects(plugin), *link, "-o", str(built / PLUGIN)], plugin[0].needs)


def _plugin_units(root: Path, temporary: Path, wheels: Mapping[str, Wheel]) -> list[_Unit]:
    if "executorch" not in wheels:
        return []
    wheel = wheels["executorch"]
    needs = _Needs(
        f"its plug-in with {wheel.requirement}", "a version with the headers of 1.5 fits"
    )
    include = wheel.package / "include"
    c10 = include / "executorch" / "runtime" / "core" / "portable_type" / "c10"
    flags = ("-fPIC", "-DC10_USING_CUSTOM_GENERATED_MACROS", f"-isystem{include}", f"-isystem{c10}")
    return [
        _Unit(source, temporary / f"plugin{number}.o", flags, needs)
        for number, source in enumerate(sorted(root.glob("plugins/*.cpp")))
    ]


def _objects(units: Sequence[_Unit]) -> list[str]:
    return [str(unit.compiled) for unit in units]


def _compile(compiler: Sequence[str], unit: _Unit) -> None:
    argv = [*compiler, *_FLAGS, *unit.flags, "-c", str(unit.source), "-o", str(unit.compiled)]
    _call(argv, unit.needs)


def _call(argv: Sequence[str], needs: _Needs = _COMPILER) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        raise MissingTool(
            f"{argv[0]} cannot build {needs.what}: {(errors or [done.stderr])[0]}",
            hint=needs.hint,
        )
