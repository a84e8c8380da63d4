"""Builds wheels: with the native runner's sources, and with the runner itself where asked for."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PREBUILT = "ATTNBENCH_PREBUILT"
"""Set to 1 (`make wheel` does): compile the runner now, and carry it in the wheel."""

DEVICES = "aarch64"
"""Phones and boards: their runner comes along if there is a cross compiler."""

GLIBC = re.compile(rb"GLIBC_2\.(\d+)")
"""The versions of the C library that a binary asks for, as they stand in its string table."""


class BuildHook(BuildHookInterface):
    """Adds to a wheel what lies outside the packages; an editable install finds it in place."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See hatchling; `version` is "editable" or "standard"."""
        if version == "editable":
            return
        include = build_data["force_include"]
        root = Path(self.root)
        include[str(root / "toolkit" / "runner")] = "attnbench/runner_src"
        if any((root / "device_profiles").glob("*.toml")):
            include[str(root / "device_profiles")] = "attnbench/device_profiles"
        if os.environ.get(PREBUILT) == "1":
            built = _compile(root)
            for machine, files in built.items():
                for file in files:
                    include[str(file)] = f"attnbench/_prebuilt/{machine}/{file.name}"
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{_platform(built[platform.machine()])}"


def _compile(root: Path) -> dict[str, list[Path]]:
    """The runners by machine, with what belongs to them, from the build cache if they are there."""
    sys.path[:0] = [str(root / "toolkit"), str(root / "models")]
    from attnbench.devices.wheels import wheel_for
    from attnbench.errors import AttnbenchError
    from attnbench.runner import ENGINES, find_all
    from attnbench.runner.build import prebuild

    installed = find_all()
    if missing := set(ENGINES) - set(installed):
        raise RuntimeError(f"{PREBUILT} needs every runtime; not installed: {sorted(missing)}")
    built = {platform.machine(): prebuild(platform.machine(), installed)}
    for machine in {DEVICES} - set(built):
        try:
            built[machine] = prebuild(machine, {name: wheel_for(name, machine) for name in ENGINES})
        except AttnbenchError as error:  # no cross compiler, or no way to its libraries
            sys.stderr.write(f"no runner for {machine} devices in this wheel: {error}\n")
    return built


def _platform(files: list[Path]) -> str:
    """The oldest platform that the binaries run on: the newest C library that one asks for."""
    newest = max(int(minor) for file in files for minor in GLIBC.findall(file.read_bytes()))
    return f"manylinux_2_{newest}_{platform.machine()}"
