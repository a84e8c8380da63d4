"""A device profile as the file that `profile.read` takes, with remarks for whoever edits it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from attnbench import files
from attnbench.devices.profile import DeviceProfile, read
from attnbench.devices.tables import Found

HEAD = """\
Written by `attnbench device init` from what the device told, allowed and reached.
docs/devices.md describes the keys; what is measured is in [peaks], the rest may be edited."""


def written(path: Path, profile: DeviceProfile) -> DeviceProfile:
    """Write a profile, and return what is read back from there. Raises BadOption."""
    files.write(path, render(profile, head=HEAD, remarks=_remarks(profile)))
    return read(path)


def _remarks(profile: DeviceProfile) -> Mapping[str, str]:
    found = profile.found or Found()
    warms = profile.start_temperature_c is not None
    return {
        "cpus": "the last of the fastest cluster",
        "cooldown_s": "the longest wait for" if warms else "its temperature cannot be read",
        "start_temperature_c": "a little above what it was when this was written",
        "private_loader": "its C library is not ours" if profile.private_loader else "",
        "found.governor": "" if "governor" in found.settable else "not ours to change",
    } | {
        f"clusters.{number}.cpus": f"mask {one.mask}" for number, one in enumerate(profile.clusters)
    }


def render(profile: DeviceProfile, *, head: str, remarks: Mapping[str, str]) -> str:
    """The file's text: `head` as a comment above it, a remark after the key that it is on."""
    lines = [f"# {line}".rstrip() for line in head.splitlines()]
    lines += _table((), msgspec.to_builtins(profile), remarks)
    return "\n".join(lines) + "\n"


def _table(
    way: tuple[str, ...], table: Mapping[str, Any], remarks: Mapping[str, str]
) -> Iterator[str]:
    """Lines of one table: its values first, since what follows a header belongs to that."""
    inner = {key: value for key, value in table.items() if _is_table(value)}
    for key, value in table.items():
        if key in inner or value in (None, "", [], ()):
            continue
        remark = remarks.get(".".join((*way, key)), "")
        yield f"{key} = {_literal(value)}" + (f"  # {remark}" if remark else "")
    for key, value in inner.items():
        deeper = (*way, key)
        rows = value if isinstance(value, list | tuple) else [value]
        header = "[{}]" if rows is not value else "[[{}]]"
        for number, row in enumerate(rows):
            yield ""
            yield header.format(".".join(deeper))
            yield from _table((*deeper, str(number)) if rows is value else deeper, row, remarks)


def _is_table(value: Any) -> bool:
    rows = value if isinstance(value, list | tuple) else [value]
    return bool(rows) and all(isinstance(row, dict) for row in rows)


def _literal(value: Any) -> str:
    """Strings, numbers and truths are JSON's in TOML too, but for one character."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
