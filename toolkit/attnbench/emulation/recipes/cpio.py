"""
Archives in the `newc` format of cpio, which is what Linux unpacks into its first root.

Written here rather than by cpio(1), since only so can an ordinary user make root's files.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TRAILER = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something of root's: `mode` with its type, `data` a file's contents or a link's target."""

    path: str
    mode: int
    data: bytes = b""


def folder(path: str, mode: int = 0o755) -> Entry:
    """A folder."""
    return Entry(path, stat.S_IFDIR | mode)


def link(path: str, target: str) -> Entry:
    """A symbolic link."""
    return Entry(path, stat.S_IFLNK | 0o777, target.encode())


def file(path: str, data: bytes, mode: int | None = None) -> Entry:
    """A file; scripts and programs are executable unless `mode` says otherwise."""
    runs = data.startswith((b"#!", b"\x7fELF"))
    return Entry(path, stat.S_IFREG | (mode or (0o755 if runs else 0o644)), data)


def tree(source: Path, below: str = "") -> list[Entry]:
    """All files in a folder."""
    found = sorted(path for path in source.rglob("*") if path.is_file())
    return [
        file(f"{below}{path.relative_to(source).as_posix()}", path.read_bytes()) for path in found
    ]


def pack(entries: Iterable[Entry]) -> bytes:
    """The archive, with the folders that the entries need; the first of two with a path stays."""
    wanted = {".": folder(".")}
    for entry in entries:
        parents = list(Path(entry.path).parents)[:-1]
        for parent in reversed(parents):
            wanted.setdefault(parent.as_posix(), folder(parent.as_posix()))
        wanted.setdefault(entry.path, entry)
    made = [_member(number, entry) for number, entry in enumerate(wanted.values(), 1)]
    return b"".join([*made, _member(0, Entry(TRAILER, 0))])


def _member(number: int, entry: Entry) -> bytes:
    name = entry.path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    # inode, mode, uid, gid, links, time, size, four device numbers, the name's length, checksum
    fields = (number, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _pad(header + name) + _pad(entry.data)


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
