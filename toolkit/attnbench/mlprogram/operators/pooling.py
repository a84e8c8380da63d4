"""Pooling over one to three spatial dimensions."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from attnbench.mlprogram.operators.windows import Ints, Pads, for_torch, pads

AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
LARGEST = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def avg_pool(
    *,
    x: Tensor,
    kernel_sizes: Ints,
    pad_type: str,
    strides: Ints | None = None,
    pad: Ints = (),
    exclude_padding_from_average: bool = False,
    ceil_mode: bool = False,
) -> Tensor:
    """avg_pool: the mean of each window, of zeros too where padding counts."""
    strides = strides or (1,) * len(kernel_sizes)
    padding = pads(pad_type, pad, x.shape[2:], kernel_sizes, strides)
    beyond = _beyond(x.shape[2:], padding, kernel_sizes, strides) if ceil_mode else []
    counted = torch.ones_like(x[:1, :1])
    counted = F.pad(counted, for_torch(padding), value=0.0 if exclude_padding_from_average else 1.0)
    summed = F.pad(F.pad(x, for_torch(padding)), for_torch(beyond))
    mean = AVERAGE[x.dim() - 2]
    return mean(summed, kernel_sizes, strides) / mean(
        F.pad(counted, for_torch(beyond)), kernel_sizes, strides
    )


def max_pool(
    *,
    x: Tensor,
    kernel_sizes: Ints,
    pad_type: str,
    strides: Ints | None = None,
    pad: Ints = (),
    ceil_mode: bool = False,
) -> Tensor:
    """max_pool: the largest element of each window."""
    strides = strides or (1,) * len(kernel_sizes)
    padding = pads(pad_type, pad, x.shape[2:], kernel_sizes, strides)
    beyond = _beyond(x.shape[2:], padding, kernel_sizes, strides) if ceil_mode else []
    padded = F.pad(x, for_torch(padding), value=-math.inf)
    padded = F.pad(padded, for_torch(beyond), value=-math.inf)
    return LARGEST[x.dim() - 2](padded, kernel_sizes, strides)


def _beyond(sides: Ints, padding: Pads, kernel: Ints, strides: Ints) -> Pads:
    """How far the last windows reach out of the padded tensor when their number is rounded up."""
    found = []
    for side, (before, after), size, stride in zip(sides, padding, kernel, strides, strict=True):
        whole = side + before + after
        last = -(-(whole - size) // stride)
        if before + after and last * stride >= side + before:
            last -= 1  # that window would see padding alone
        found.append((0, last * stride + size - whole))
    return found
