"""The runtimes' wheels for another machine, in the versions that are installed on this one."""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from attnbench import files
from attnbench.errors import MissingTool
from attnbench.runner import Wheel, find

PYTHON = "311"
"""The shared objects need no Python; one version is pinned, so that they are always the same."""

PLATFORMS: Mapping[str, tuple[str, ...]] = {
    "aarch64": (
        "manylinux_2_28_aarch64",
        "manylinux_2_27_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
    )
}
_DOWNLOAD_TIMEOUT_S = 900
_WANTED = (".so", ".h", ".hpp")


def wheel_for(engine: str, machine: str) -> Wheel:
    """
    An engine's wheel for `machine`: the installed one, or downloaded once and unpacked.

    Raises MissingTool without a network, or where there is none for that machine.
    """
    installed = find(engine)
    if machine == platform.machine():
        return installed
    package = _unpacked(installed, machine) / installed.engine.package
    return Wheel(installed.engine, installed.version, package)


def _unpacked(installed: Wheel, machine: str) -> Path:
    name = installed.engine.distribution
    folder = files.cache_dir("wheels", machine) / f"{name}-{installed.version}"
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(prefix="attnbench-") as temporary:
            wheel = _download(f"{name}=={installed.version}", machine, Path(temporary))
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
