"""The smallest model that is worth running on a device: convolution, attention, pooling, linear."""

from __future__ import annotations

from torch import nn

from attnbench_models import Recipe, create_block

CHANNELS, CLASSES = 16, 10

TINY = Recipe(block=None, model=f"{__name__}:make", size=(32, 24))


def make() -> nn.Module:
    """Takes an image; its one attention block is coordinate attention."""
    return nn.Sequential(
        nn.Conv2d(3, CHANNELS, 3, stride=2, padding=1),
        nn.Hardswish(),
        create_block("coord", CHANNELS),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(CHANNELS, CLASSES),
    )
