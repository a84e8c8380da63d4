"""MIL's data types, and what holds them here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from attnbench.errors import UnknownOperator


@dataclass(frozen=True, slots=True)
class DataType:
    """A tensor's elements: their torch dtype, and their number in a weight file."""

    name: str
    torch: torch.dtype
    blob: int | None = None


TYPES: Mapping[str, DataType] = {
    one.name: one
    for one in (
        DataType("BOOL", torch.bool),
        DataType("FLOAT16", torch.float16, 1),
        DataType("FLOAT32", torch.float32, 2),
        DataType("FLOAT64", torch.float64),
        DataType("INT8", torch.int8, 4),
        DataType("INT16", torch.int16, 6),
        DataType("INT32", torch.int32, 14),
        DataType("INT64", torch.int64),
        DataType("UINT8", torch.uint8, 3),
        DataType("UINT16", torch.uint16, 7),
        DataType("UINT32", torch.uint32, 15),
    )
}
"""Numbers after BlobDataType in coremltools' mlmodel/src/MILBlob/Blob/BlobDataType.hpp."""

STRING = "STRING"


def data_type(name: str) -> DataType:
    """The type that MIL calls `name`. Raises UnknownOperator for one that is not computed with."""
    if name not in TYPES:
        raise UnknownOperator(f"values of type {name} are not computed here")
    return TYPES[name]
