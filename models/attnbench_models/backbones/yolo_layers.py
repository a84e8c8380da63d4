"""What YOLOv5 and YOLOv8 are made of."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from attnbench_models.places import Attention, Place

STRIDES = (8, 16, 32)  # of the three maps that boxes are predicted from


class Detections(NamedTuple):
    """
    What a detector returns: every candidate box of every image, before non-maximum suppression.

    `boxes` (N, candidates, 4) are centre x, centre y, width and height in pixels of the input;
    `scores` (N, candidates, classes) are in [0, 1]. Candidates come by map, the finest first, then
    by row, column and anchor.
    """

    boxes: Tensor
    scores: Tensor


class Unit(Protocol):
    """What C3 and C2f are called with."""

    def __call__(self, inputs: int, outputs: int, repeats: int, *, adds: bool) -> nn.Module:
        """A module from (N, inputs, H, W) to (N, outputs, H, W)."""


def scaled(channels: int, width: float) -> int:
    """The next multiple of 8 from `channels` times `width` on."""
    return math.ceil(channels * width / 8) * 8


def conv_silu(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int | None = None
) -> nn.Sequential:
    """A convolution without bias, BatchNorm with their epsilon of 0.001, and SiLU."""
    padding = kernel // 2 if padding is None else padding
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=padding, bias=False)
    norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03)
    return nn.Sequential(OrderedDict(conv=conv, norm=norm, act=nn.SiLU()))


class Bottleneck(nn.Module):
    """
    Two convolutions, the second 3x3, and the input added to them if `adds`.

    Shape   x (N, C, H, W) -> (N, C, H, W).
    """

    def __init__(self, channels: int, *, first: int, adds: bool) -> None:
        super().__init__()
        self.cv1 = conv_silu(channels, channels, first)
        self.cv2 = conv_silu(channels, channels, 3)
        self.adds = adds

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        y: Tensor = self.cv2(self.cv1(x))
        return x + y if self.adds else y


class PyramidPool(nn.Module):
    """
    Maxima over 5x5, 9x9 and 13x13 pixels, beside the map itself (SPPF).

    Shape   x (N, C, H, W) -> (N, C, H, W).
    Math    y = cv2([z, p(z), p(p(z)), p(p(p(z)))]); z = cv1(x) has C / 2 channels, p is the
            maximum over 5x5 pixels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.cv1 = conv_silu(channels, channels // 2, 1)
        self.pool = nn.MaxPool2d(5, stride=1, padding=2)
        self.cv2 = conv_silu(channels // 2 * 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        maps = [self.cv1(x)]
        for _ in range(3):
            maps.append(self.pool(maps[-1]))
        y: Tensor = self.cv2(torch.cat(maps, dim=1))
        return y


class Stage(nn.Module):
    """
    Halve the map, mix it, and gate it where there is attention.

    Shape   x (N, inputs, H, W) -> (N, outputs, H / 2, W / 2), rounded up.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        repeats: int,
        *,
        unit: Unit,
        stage: int,
        attention: Attention,
    ) -> None:
        super().__init__()
        self.down = conv_silu(inputs, outputs, 3, stride=2)
        self.mix = unit(outputs, outputs, repeats, adds=True)
        self.attention = attention(Place("stage", outputs, inputs, stage))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / 2, W / 2)."""
        y: Tensor = self.mix(self.down(x))
        return y if self.attention is None else self.attention(y)


class Neck(nn.Module):
    """
    Carry the coarse maps up to the fine ones, and the result down again (PANet).

    With `reduces`, a 1x1 convolution brings what goes up to the next map's width first.

    Shape   three maps (N, C3, H, W), (N, C4, H / 2, W / 2), (N, C5, H / 4, W / 4) -> the same.
    Source  Liu et al., CVPR 2018, arXiv:1803.01534, with concatenations in place of sums.
    """

    def __init__(self, widths: Sequence[int], *, unit: Unit, reduces: bool) -> None:
        super().__init__()
        c3, c4, c5 = widths
        l4, l5 = (c3, c4) if reduces else (c4, c5)
        self.reduce5 = conv_silu(c5, l5, 1) if reduces else nn.Identity()
        self.up4 = unit(l5 + c4, c4, 1, adds=False)
        self.reduce4 = conv_silu(c4, l4, 1) if reduces else nn.Identity()
        self.up3 = unit(l4 + c3, c3, 1, adds=False)
        self.halve3 = conv_silu(c3, c3, 3, stride=2)
        self.down4 = unit(c3 + l4, c4, 1, adds=False)
        self.halve4 = conv_silu(c4, c4, 3, stride=2)
        self.down5 = unit(c4 + l5, c5, 1, adds=False)

    def forward(self, p3: Tensor, p4: Tensor, p5: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Three maps, the finest first -> three maps of the same shapes."""
        l5 = self.reduce5(p5)
        l4 = self.reduce4(self.up4(torch.cat([doubled(l5, like=p4), p4], dim=1)))
        n3 = self.up3(torch.cat([doubled(l4, like=p3), p3], dim=1))
        n4 = self.down4(torch.cat([self.halve3(n3), l4], dim=1))
        n5 = self.down5(torch.cat([self.halve4(n4), l5], dim=1))
        return n3, n4, n5


def doubled(x: Tensor, *, like: Tensor) -> Tensor:
    """
    Every pixel as 2x2 pixels, as many rows and columns of them as `like` has.

    A stride of 2 rounds an odd size up, so that the last row or column may be one too many; the
    published models take multiples of 32 only, where it never is.
    """
    height, width = like.shape[2:]
    y = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
    return y if y.shape[2:] == like.shape[2:] else y[:, :, :height, :width]


def pixels(x: Tensor, parts: int = 1) -> Tensor:
    """(N, parts C, H, W) -> (N, H W parts, C): one row a pixel and part."""
    batch, channels, height, width = x.shape
    rows = x.permute(0, 2, 3, 1)
    return rows.reshape(batch, height * width * parts, channels // parts)


def centres(x: Tensor, stride: int) -> Tensor:
    """(H W, 2): x and y of the middle of every pixel of a map, in pixels of the input."""
    height, width = x.shape[2:]
    ys = (torch.arange(height, dtype=x.dtype, device=x.device) + 0.5) * stride
    xs = (torch.arange(width, dtype=x.dtype, device=x.device) + 0.5) * stride
    grid = torch.meshgrid(ys, xs, indexing="ij")
    return torch.stack([grid[1], grid[0]], dim=-1).view(-1, 2)
