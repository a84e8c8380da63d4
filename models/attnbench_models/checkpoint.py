"""Read weights from a file without letting the file run anything."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from attnbench_models.errors import ModelError

DAMAGED = (
    RuntimeError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    OSError,
    struct.error,
)
"""What torch.load raises on bytes that are no checkpoint."""

WRAPPERS = ("state_dict_ema", "state_dict", "model")
"""What training scripts put the weights under; their running average is what they publish."""


def load_checkpoint(path: str | Path, *, sha256: str | None = None) -> dict[str, Tensor]:
    """
    Read a state dict from a torch file or a `.safetensors` file.

    Looks inside {"state_dict_ema": ...}, {"state_dict": ...} and {"model": ...} and strips the
    "module." of data-parallel training. With `sha256` (hex) the file must have that digest.
    ModelError if the file is missing, damaged, changed, holds no weights, or is a pickle that asks
    for more than tensors: such a file could run anything, and is not loaded.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise ModelError(f"there is no file {file}", hint="name the checkpoint's path")
    if sha256 is not None and hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise ModelError(f"{file} has changed: its sha256 is not {sha256}")
    found = _safetensors(file) if file.suffix == ".safetensors" else _torch_file(file)
    for wrapper in WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(wrapper), Mapping):
            found = found[wrapper]
    if not isinstance(found, Mapping) or not found:
        raise ModelError(f"{file} holds a {type(found).__name__}, not a state dict")
    strange = [str(key) for key, value in found.items() if not isinstance(value, Tensor)]
    if strange:
        raise ModelError(
            f"{file} holds no state dict: {', '.join(strange[:5])} are not tensors",
            hint="save model.state_dict()",
        )
    return {str(key).removeprefix("module."): value for key, value in found.items()}


def _safetensors(file: Path) -> object:
    try:
        return load_file(file)
    except SafetensorError as error:
        raise ModelError(f"{file} is damaged or no safetensors file: {error}") from error


def _torch_file(file: Path) -> object:
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        asked = re.search(r"GLOBAL:? (?:GLOBAL )?(\S+)", str(error), re.IGNORECASE)
        wants = f"asks for {asked[1]}" if asked else "is not a plain torch checkpoint"
        raise ModelError(
            f"{file} is unsafe: it {wants}, so it was not loaded",
            hint="have its owner save model.state_dict(), or use safetensors",
        ) from error
    except DAMAGED as error:
        said = "" if isinstance(error, LookupError) else str(error)  # a LookupError says but a key
        reason = said.partition(".")[0].partition("\n")[0] or "it is not in that format"
        raise ModelError(f"{file} is damaged or no torch checkpoint: {reason}") from error
