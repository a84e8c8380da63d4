"""
The weight file of a Core ML package.

Layout after coremltools' mlmodel/src/MILBlob/Blob/StorageFormat.hpp, version 2: a header, then for
each blob 64 bytes that say what and where it is. All numbers are little-endian.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import torch
from torch import Tensor

from attnbench.errors import BadArtifact
from attnbench.mlprogram.types import DataType

ENTRY = struct.Struct("<IIQQ")
"""Sentinel, type, bytes, and where the bytes begin."""
SENTINEL = 0xDEADBEEF


def read(path: Path, offset: int, kind: DataType, shape: tuple[int, ...]) -> Tensor:
    """
    The tensor whose entry is at `offset`.

    Raises BadArtifact when the file is missing or cut, or has another type or size there.
    """
    wanted = math.prod(shape) * kind.torch.itemsize
    try:
        with path.open("rb") as file:
            file.seek(offset)
            entry = file.read(ENTRY.size)
            sentinel, number, size, start = ENTRY.unpack(entry.ljust(ENTRY.size, b"\0"))
            if (sentinel, number, size) != (SENTINEL, kind.blob, wanted):
                raise BadArtifact(f"{path} has no {kind.name} of shape {list(shape)} at {offset}")
            file.seek(start)
            data = bytearray(file.read(wanted))
    except OSError as error:
        raise BadArtifact(f"{path}: {error.strerror}") from error
    if len(data) < wanted:
        raise BadArtifact(f"{path} is cut short: the tensor at {offset} is not all there")
    return torch.frombuffer(data, dtype=kind.torch).reshape(shape)
