"""Operators that arrange elements anew."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

Ints = tuple[int, ...]
Tensors = tuple[Tensor, ...]


def reshape(*, x: Tensor, shape: Ints) -> Tensor:
    """reshape: other sides for the same elements; 0 keeps a side, -1 is what is left."""
    return x.reshape([side or x.shape[i] for i, side in enumerate(shape)])


def flatten2d(*, x: Tensor, axis: int = 1) -> Tensor:
    """flatten2d: a matrix, whose rows run over the sides in front of `axis`."""
    return x.reshape(x.shape[:axis].numel(), -1)


def transpose(*, x: Tensor, perm: Ints) -> Tensor:
    """transpose: axes in another order."""
    return x.permute(perm)


def squeeze(*, x: Tensor, axes: Ints | None = None) -> Tensor:
    """squeeze: without those of the axes, or of all, that have one element."""
    return x.squeeze() if axes is None else x.squeeze(axes)


def expand_dims(*, x: Tensor, axes: Ints) -> Tensor:
    """expand_dims: new axes of one element, at these places of the result."""
    rank = x.dim() + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


def concat(*, values: Tensors, axis: int, interleave: bool = False) -> Tensor:
    """concat: one behind the other along an axis, or in turns."""
    if not interleave:
        return torch.cat(values, axis)
    axis %= values[0].dim()
    return torch.stack(values, axis + 1).flatten(axis, axis + 1)


def split(*, x: Tensor, axis: int, num_splits: int = 0, split_sizes: Ints | None = None) -> Tensors:
    """split: parts of equal or of given sizes along an axis."""
    if split_sizes is None:
        return torch.split(x, x.shape[axis] // num_splits, axis)
    return torch.split(x, list(split_sizes), axis)


def stack(*, values: Tensors, axis: int) -> Tensor:
    """stack: one behind the other along a new axis."""
    return torch.stack(values, axis)


def tile(*, x: Tensor, reps: Ints) -> Tensor:
    """tile: repeated along each axis."""
    return x.repeat(reps)


def reverse(*, x: Tensor, axes: Ints | None = None) -> Tensor:
    """reverse: the last element first, along these axes or all."""
    return x.flip(tuple(range(x.dim())) if axes is None else axes)


def shape(*, x: Tensor) -> Tensor:
    """shape: the sides."""
    return torch.tensor(x.shape, dtype=torch.int32)


def fill(*, shape: Ints, value: Tensor | None = None) -> Tensor:
    """fill: one value everywhere."""
    return (torch.tensor(0.0) if value is None else value).expand(shape)


def range_1d(*, start: Tensor, end: Tensor, step: Tensor) -> Tensor:
    """range_1d: from start in steps, without end."""
    return torch.arange(start.item(), end.item(), step.item(), dtype=start.dtype)


def pad(*, x: Tensor, pad: Ints, mode: str = "constant", constant_val: float = 0.0) -> Tensor:
    """pad: elements before and after, along the last axes that `pad` has pairs for."""
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)]
    if mode == "constant":
        return F.pad(x, [side for pair in reversed(pairs) for side in pair], value=constant_val)
    for axis, (before, after) in enumerate(pairs, x.dim() - len(pairs)):
        last = x.shape[axis] - 1
        at = torch.arange(-before, last + 1 + after)
        # Mirrored at the outermost elements, or held there.
        at = last - (last - at.abs()).abs() if mode == "reflect" else at.clamp(0, last)
        x = x.index_select(axis, at)
    return x


def pixel_shuffle(*, x: Tensor, upscale_factor: int) -> Tensor:
    """pixel_shuffle: channels become pixels."""
    return F.pixel_shuffle(x, upscale_factor)


def pixel_unshuffle(*, x: Tensor, downscale_factor: int) -> Tensor:
    """pixel_unshuffle: pixels become channels."""
    return F.pixel_unshuffle(x, downscale_factor)
