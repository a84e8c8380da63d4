"""Constants of a program: from the protobuf message itself, or from the weight file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from attnbench.errors import UnknownOperator
from attnbench.mlprogram import blobs
from attnbench.mlprogram.schema import type_name
from attnbench.mlprogram.types import STRING, DataType, data_type

Value = Tensor | str | tuple["Value", ...]

MODEL_PATH = "@model_path/"
"""How a program writes the folder that its own file lies in."""


def constant(message: Any, folder: Path) -> Value:
    """
    A `Value` message of a program in `folder` as a tensor, string, or tuple of such.

    Raises BadArtifact for weights that are not there, UnknownOperator for a kind of value that is
    not computed with.
    """
    if message.WhichOneof("value") == "blobFileValue":
        place = message.blobFileValue
        kind, shape = _tensor_type(message.type)
        file = folder / place.fileName.removeprefix(MODEL_PATH)
        return blobs.read(file, place.offset, kind, shape)
    value = message.immediateValue
    form = value.WhichOneof("value")
    if form in ("tuple", "list"):
        return tuple(constant(one, folder) for one in getattr(value, form).values)
    if form != "tensor":
        raise UnknownOperator(f"constants of kind {form} are not computed here")
    return _immediate(value.tensor, message.type)


def _immediate(tensor: Any, kind: Any) -> Value:
    written = getattr(tensor, tensor.WhichOneof("value")).values
    if type_name(kind.tensorType.dataType) == STRING:
        return written[0] if kind.tensorType.rank == 0 else tuple(written)
    element, shape = _tensor_type(kind)
    if isinstance(written, bytes):
        return torch.frombuffer(bytearray(written), dtype=element.torch).reshape(shape)
    return torch.tensor(list(written), dtype=element.torch).reshape(shape)


def _tensor_type(kind: Any) -> tuple[DataType, tuple[int, ...]]:
    tensor = kind.tensorType
    shape = tuple(one.constant.size for one in tensor.dimensions)
    return data_type(type_name(tensor.dataType)), shape
