"""Small models to export, as `Recipe(model="tests.slices:coord")`."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from attnbench_models import create_block
from attnbench_models.backbones.layers import conv_norm, initialise
from attnbench_models.backbones.mobilenetv2 import Head, InvertedResidual
from attnbench_models.places import Attention, Place, empty

SIZE = (32, 24)
BLOCKS = ("none", "se", "cbam", "coord", "nam")
ATTENTION = tuple(f"features.{number}.attention" for number in range(3))


class Slice(nn.Module):
    """A stem, three inverted residuals (plain, strided, with a shortcut) and a head."""

    def __init__(self, attention: Attention = empty, width: int = 1) -> None:
        super().__init__()
        fine, coarse = 16 * width, 24 * width
        self.stem = conv_norm(3, fine, 3, stride=2)
        self.features = nn.Sequential(
            InvertedResidual(fine, fine, stride=1, expansion=2, attention=attention),
            InvertedResidual(fine, coarse, stride=2, expansion=2, attention=attention),
            InvertedResidual(coarse, coarse, stride=1, expansion=2, attention=attention),
        )
        self.head = Head(coarse, 32 * width, 10, dropout=0.0)
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(self.stem(x)))


def with_block(block, role: str = "expanded", width: int = 1) -> Slice:
    """A slice with a block in its places of one role: three for gates, two for fusions ("sum")."""

    def attention(place: Place) -> nn.Module | None:
        return create_block(block, place.channels) if place.role == role else None

    return Slice(attention, width)


none = Slice
se, cbam, coord, nam = (partial(with_block, name) for name in BLOCKS[1:])


aff, iaff = (partial(with_block, name, role="sum") for name in ("aff", "iaff"))


class TheirCbam(nn.Module):
    """CBAM as people write it: pools as modules, torch.max with its indices thrown away."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.average, self.peak = nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1)
        self.mix = nn.Sequential(
            nn.Conv2d(channels, 4, 1, bias=False), nn.ReLU(), nn.Conv2d(4, channels, 1, bias=False)
        )
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.mix(self.average(x)) + self.mix(self.peak(x)))
        x = gate.expand_as(x) * x
        peak, _ = torch.max(x, dim=1, keepdim=True)
        pooled = torch.cat([torch.mean(x, dim=1, keepdim=True), peak], dim=1)
        return x * torch.sigmoid(self.conv(pooled))


their_cbam = partial(with_block, TheirCbam)


class OneMinus(nn.Module):
    """What litert-torch 0.10.0 gets wrong: `1 - conv(x)` comes out as `conv(x) - 1`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * (1 - self.conv(x))


one_minus = partial(with_block, OneMinus)


class Gates(nn.Module):
    """Gates with operators that XNNPACK takes in one form only, one behind the other."""

    NAMES = ("eca", "gc", "sk", "triplet", "cpca", "bam")

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_norm(3, 8, 3, stride=2)
        self.gates = nn.Sequential(*(create_block(name, 8) for name in self.NAMES))
        self.pool = nn.AvgPool2d(2, ceil_mode=True)
        self.head = Head(8, 16, 10, dropout=0.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.pool(self.gates(self.stem(x))))


class Refused(nn.Module):
    """An operator that no converter here has: the Bessel function J0."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.special.bessel_j0(x)


class Untraceable(nn.Module):
    """Control flow that depends on the data."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x
