"""From the reference's tensors to those of a file that others made, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attnbench.parity.metrics import Array
from attnbench.records import Binding, Border, Pixels

RAW = Pixels(mean=(0.0, 0.0, 0.0), std=(1 / 255, 1 / 255, 1 / 255))
"""Pixels from 0 to 255, as they are in a picture's file."""

IMAGE_CHANNELS = 3


def feed(border: Border, arrays: Sequence[Array]) -> list[Array]:
    """The file's inputs, in its order, for the reference's."""
    made = {
        one.at: _there(repixel(array, border.reference, border.file), one)
        for one, array in zip(border.inputs, arrays, strict=True)
    }
    return [made[at] for at in sorted(made)]


def feedable(border: Border, arrays: Sequence[Array]) -> list[Array]:
    """The reference's inputs, rounded to what the file's types can hold: what both are to see."""
    return [_rounded(array, one, border) for one, array in zip(border.inputs, arrays, strict=True)]


def read(border: Border, outputs: Sequence[Array], like: Sequence[Array]) -> list[Array]:
    """The file's outputs in the reference's order, layout and types, which `like` has."""
    return [
        _here(outputs[one.at], one).astype(ours.dtype)
        for one, ours in zip(border.outputs, like, strict=True)
    ]


def repixel(array: Array, given: Pixels, wanted: Pixels) -> Array:
    """Images (N, 3, H, W) as another model takes them; anything else as it is."""
    if given == wanted or not is_image(array.shape):
        return array
    pixels = array.astype(np.float64) * _per_channel(given.std) + _per_channel(given.mean)
    if given.bgr != wanted.bgr:
        pixels = pixels[:, ::-1]
    made = (pixels - _per_channel(wanted.mean)) / _per_channel(wanted.std)
    return np.ascontiguousarray(made.astype(np.float32))


def is_image(shape: Sequence[int]) -> bool:
    """Whether a tensor of the reference is a batch of images."""
    return len(shape) == 4 and shape[1] == IMAGE_CHANNELS


def _rounded(array: Array, binding: Binding, border: Border) -> Array:
    there = repixel(array, border.reference, border.file)
    held = _as(there, binding.dtype).astype(np.float32)
    return array if np.array_equal(held, there) else repixel(held, border.file, border.reference)


def _there(array: Array, binding: Binding) -> Array:
    moved = array.transpose(0, 2, 3, 1) if binding.channels_last else array
    return np.ascontiguousarray(_as(moved, binding.dtype))


def _as(array: Array, dtype: str) -> Array:
    return (np.clip(np.round(array), 0, 255) if dtype == "uint8" else array).astype(dtype)


def _here(array: Array, binding: Binding) -> Array:
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2) if binding.channels_last else array)


def _per_channel(values: Sequence[float]) -> Array:
    return np.array(values).reshape(1, -1, 1, 1)
