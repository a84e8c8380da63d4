"""A feature pyramid on a ResNet: the long skips in which fusions join two resolutions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from attnbench_models.backbones.base import Backbone
from attnbench_models.backbones.layers import conv_norm, initialise
from attnbench_models.backbones.resnet import (
    DESIGNS,
    WIDTHS,
    FusedResNet,
    stage_paths,
    stages,
    stem,
)
from attnbench_models.places import Attention, Home, Place, empty

CHANNELS = 128  # of every map of the pyramid; the paper has 256


class LongSkip(nn.Module):
    """
    Bring a coarse map to the size of a fine one, the fine one to its channels, and join the two.

    Shape   fine (N, inputs, H, W) and coarse (N, channels, h, w) -> (N, channels, H, W).
    Math    y = fuse(project(fine), resize(coarse)), bilinear; fuse is the sum where none is given.
    Source  Lin et al., CVPR 2017, arXiv:1612.03144, Figure 3, whose resize is nearest; the fusion
            in place of the sum is the long skip connection of Dai et al., WACV 2021,
            arXiv:2009.14082, section 3.3.
    """

    def __init__(
        self, inputs: int, channels: int, *, stage: int, attention: Attention = empty
    ) -> None:
        super().__init__()
        self.project = conv_norm(inputs, channels, 1, activation=None)
        self.fuse = attention(Place("skip", channels, inputs, stage))

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """(N, inputs, H, W) and (N, channels, h, w) -> (N, channels, H, W)."""
        x: Tensor = self.project(fine)
        y = resized(coarse, like=x)
        return x + y if self.fuse is None else self.fuse(x, y)


class PixelClassifier(nn.Module):
    """
    Smooth a map, classify its pixels, and bring the logits to the size of the image.

    Shape   x (N, channels, h, w) and image (N, 3, H, W) -> logits (N, classes, H, W).
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.smooth = conv_norm(channels, channels, 3, activation=nn.ReLU)
        self.classifier = nn.Conv2d(channels, classes, 1)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        """(N, channels, h, w) and (N, 3, H, W) -> (N, classes, H, W)."""
        return resized(self.classifier(self.smooth(x)), like=image)


class ResNetPyramid(Backbone):
    """
    A ResNet whose four stages are joined from the coarsest to the finest, which labels pixels.

    Shape   x (N, 3, H, W) -> logits (N, num_classes, H, W).
    Cost    resnet18-fpn, 19 classes, at 224 x 224: 11,450,579 parameters and 2,331,779,072
            multiply-accumulates.
    Source  As `LongSkip`. A minimal home for fusions of two resolutions: the pyramid's width and
            the head are ours, and nobody publishes a count. Other blocks go where they go in the
            ResNet.
    """

    HOMES: ClassVar[Mapping[str, Home]] = MappingProxyType(
        {**FusedResNet.HOMES, "fusion": Home("skip")}
    )

    def __init__(
        self, attention: Attention = empty, *, variant: str, num_classes: int = 19
    ) -> None:
        super().__init__()
        design = DESIGNS[variant]
        *finer, coarsest = [width * design.expansion for width in WIDTHS]
        self.stem = stem(design)
        self.stages = stages(design, attention)
        self.top = conv_norm(coarsest, CHANNELS, 1, activation=None)
        self.skips = nn.ModuleList(
            LongSkip(inputs, CHANNELS, stage=stage, attention=attention)
            for stage, inputs in reversed(list(enumerate(finer)))
        )
        self.head = PixelClassifier(CHANNELS, num_classes)
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, num_classes, H, W)."""
        maps = [self.stem(x)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        y = self.top(maps.pop())
        for skip in self.skips:
            y = skip(maps.pop(), y)
        logits: Tensor = self.head(y, x)
        return logits

    def block_paths(self) -> Iterator[tuple[str, str]]:
        """The paths that latency and cost are told by, in forward order, each with its kind."""
        yield "stem", "backbone"
        yield from stage_paths(self.stages)
        yield "top", "backbone"
        for name, skip in self.skips.named_children():
            yield f"skips.{name}", "backbone"
            if skip.fuse is not None:
                yield f"skips.{name}.fuse", "attention"
        yield "head", "backbone"


def resized(x: Tensor, *, like: Tensor) -> Tensor:
    """Bilinear, with pixels as squares whose centres are half a pixel in: (N, C, h, w) -> H, W."""
    return functional.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)
