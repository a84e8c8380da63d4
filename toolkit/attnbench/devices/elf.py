"""As much of ELF as a bundle has to be checked for. Little-endian, 64 bits."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from attnbench.errors import MissingTool

MACHINES = {62: "x86_64", 183: "aarch64"}

_HEADER = struct.Struct("<4sBB10xHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_LOAD = 1
_BITS_32 = 1


@dataclass(frozen=True, slots=True)
class Elf:
    """
    The machine that a binary is for, and the smallest alignment of the segments it loads.

    Of one for 32 bits nothing more is read.
    """

    machine: str
    alignment_bytes: int


def read(path: Path) -> Elf | None:
    """What kind of binary a file is; None if it is not one. Raises MissingTool if it is damaged."""
    data = path.read_bytes()
    if not data.startswith(b"\x7fELF"):
        return None
    try:
        return _parse(data)
    except (struct.error, ValueError) as error:
        raise MissingTool(
            f"{path.name} is damaged: {error}",
            hint=f"remove {path}; it will be made or fetched again",
        ) from error


def _parse(data: bytes) -> Elf:
    _, bits, order, _, machine, _, _, at, *_, size, count, _, _, _ = _HEADER.unpack_from(data)
    if bits == _BITS_32:
        return Elf("a machine of 32 bits", 0)
    if (bits, order, size) != (2, 1, _SEGMENT.size):
        raise ValueError("not a little-endian binary")
    segments = [_SEGMENT.unpack_from(data, at + number * size) for number in range(count)]
    loads = [segment for segment in segments if segment[0] == _LOAD]
    if not loads:
        raise ValueError("nothing in it is loaded")
    for _, _, offset, _, _, stored, _, _ in loads:
        if offset + stored > len(data):
            raise ValueError("cut off")
    return Elf(MACHINES.get(machine, f"machine {machine}"), min(one[-1] for one in loads))
