"""The runtimes' wheels for other machines, or in other versions than are installed on this one."""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from attnbench import files
from attnbench.errors import MissingTool
from attnbench.runner import Engine, Wheel, find

PYTHON = "311"
"""The shared objects need no Python; one version is pinned, so that they are always the same."""

PLATFORMS: Mapping[str, tuple[str, ...]] = {
    "aarch64": (
        "manylinux_2_28_aarch64",
        "manylinux_2_27_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
    ),
    "x86_64": (
        "manylinux_2_28_x86_64",
        "manylinux_2_27_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
    ),
}
_DOWNLOAD_TIMEOUT_S = 900
_WANTED = (".so", ".h", ".hpp", "/RECORD")


def wheel_for(engine: str, machine: str, version: str = "") -> Wheel:
    """
    An engine's wheel for `machine`: the installed one, or downloaded once and unpacked.

    `version` "" is the installed one. Raises MissingTool without a network, where there is none for
    that machine, and for a version that lacks what the runner opens.
    """
    installed = find(engine)
    version = version or installed.version
    if (machine, version) == (platform.machine(), installed.version):
        return installed
    package = _unpacked(installed.engine, version, machine) / installed.engine.package
    wheel = Wheel(installed.engine, version, package)
    if version != installed.version:
        _complete(wheel)
    return wheel


def _complete(wheel: Wheel) -> None:
    """See that all is there, and under the name that the runner opens other versions by."""
    library, *_ = wheel.libraries
    link = wheel.directory / (wheel.engine.soname or library.name)
    if not link.exists():
        with suppress(FileExistsError):  # by another process of ours
            link.symlink_to(library.name)


def _unpacked(engine: Engine, version: str, machine: str) -> Path:
    name = engine.distribution
    folder = files.cache_dir("wheels", machine) / f"{name}-{version}"
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(prefix="attnbench-") as temporary:
            wheel = _download(f"{name}=={version}", machine, Path(temporary))
            with files.staged(folder) as fresh:
                _unpack(wheel, fresh)
    return folder


def _download(requirement: str, machine: str, folder: Path) -> Path:
    platforms = [word for name in PLATFORMS.get(machine, ()) for word in ("--platform", name)]
    if not platforms:
        raise MissingTool(
            f"there are no runtimes for {machine}", hint=f"known: {', '.join(PLATFORMS)}"
        )
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    argv += ["--no-deps", "--only-binary=:all:", "--python-version", PYTHON]
    argv += ["--implementation", "cp", *platforms, "--dest", str(folder), requirement]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=_DOWNLOAD_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _offline(requirement, machine, "it takes too long") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise _offline(requirement, machine, (lines or ["pip gave no reason"])[-1])
    return wheels[0]


def _offline(requirement: str, machine: str, why: str) -> MissingTool:
    return MissingTool(
        f"{requirement} for {machine} cannot be downloaded: {why.removeprefix('ERROR: ')}",
        hint="it is needed once, then cached: connect this machine to a package index, "
        "or point PIP_FIND_LINKS to a folder that has the wheel",
    )


def _unpack(wheel: Path, folder: Path) -> None:
    """Libraries and headers; the rest is Python, and stays out."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if ".so" in Path(name).name or name.endswith(_WANTED):
                archive.extract(name, folder)
