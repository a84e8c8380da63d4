"""The programs that building and booting call, and the one command that installs them all."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from attnbench.errors import DeviceError, MissingTool

SHOWN = 80

PACKAGES: Mapping[str, str] = {
    "adb": "adb",
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "fakeroot": "fakeroot",
    "mke2fs": "e2fsprogs",
    "patchelf": "patchelf",
    "qemu-system-aarch64": "qemu-system-arm",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "tar": "tar",
}
"""Debian's package of each program; docs/emulation.md has the same list."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def tool(name: str) -> str:
    """The path of a program of `PACKAGES`; MissingTool if anything in there is not installed."""
    check()
    found = _which(name)
    assert found is not None
    return found


def check() -> None:
    """Raise MissingTool, naming all that is missing and how to install it, if anything is."""
    missing = [name for name in PACKAGES if _which(name) is None]
    packages = {PACKAGES[name] for name in missing}
    if not KEYRING.is_file():
        missing.append(str(KEYRING))
        packages.add("debian-archive-keyring")
    if missing:
        raise MissingTool(
            f"emulated devices need {', '.join(missing)}",
            hint=f"apt-get install --no-install-recommends {' '.join(sorted(packages))}",
        )


def call(
    name: str,
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """
    What a program prints. `env` is added to its environment, and `cwd` its folder.

    Raises MissingTool, or DeviceError with its first word of complaint: later ones follow from it.
    """
    argv = [tool(name), *map(str, arguments)]
    # Debian keeps mke2fs in sbin, which is not on an ordinary user's PATH: scripts need it too.
    environment = {**os.environ, **(env or {}), "LC_ALL": "C", "PATH": _path()}
    done = subprocess.run(
        argv, capture_output=True, env=environment, text=True, check=False, cwd=cwd
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        words = shlex.join(argv)
        short = words if len(words) < SHOWN else f"{words[:SHOWN]} ..."
        raise DeviceError(
            f"`{short}` ended with code {done.returncode}: {said[0] if said else 'not a word'}"
        )
    return done.stdout


def _path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def _which(name: str) -> str | None:
    return shutil.which(name, path=_path())
