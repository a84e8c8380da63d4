"""Where profiles are: a path, $ATTNBENCH_DEVICES, the checkout's, and those in the package."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from attnbench.devices.profile import DeviceProfile, read
from attnbench.errors import BadOption, UnknownName

SUFFIX = ".toml"

_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = _PACKAGE.parents[1]


def folders() -> Iterator[Path]:
    """Folders of profiles, the first that has a name wins."""
    for folder in os.environ.get("ATTNBENCH_DEVICES", "").split(os.pathsep):
        if folder:
            yield Path(folder)
    if (_CHECKOUT / "pyproject.toml").is_file():
        yield _CHECKOUT / "device_profiles"
    yield _PACKAGE / "device_profiles"


def known() -> dict[str, Path]:
    """All profiles by name; the name is the file's."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            found.setdefault(path.stem, path)
    return found


def is_path(name: str) -> bool:
    """Whether it is a file's path rather than a name."""
    return name.endswith(SUFFIX) or os.sep in name


def find(name: str) -> DeviceProfile:
    """The profile called `name`, or in the file of that path. Raises UnknownName or BadOption."""
    if is_path(name):
        return read(Path(name).expanduser())
    profiles = known()
    if name not in profiles:
        raise UnknownName("device", name, profiles)
    profile = read(profiles[name])
    if profile.name != name:
        raise BadOption(f"{profiles[name]}: name: {profile.name!r} is not the file's")
    return profile
