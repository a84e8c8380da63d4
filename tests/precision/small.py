"""Slices of one block, for converters that take their time: `Recipe(model="tests...small:se")`."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from attnbench_models import create_block
from attnbench_models.backbones.layers import conv_norm, initialise
from attnbench_models.backbones.mobilenetv2 import Head, InvertedResidual


class Small(nn.Module):
    """A stem, one inverted residual with the block in it, and a head."""

    def __init__(self, block: str | None = None) -> None:
        super().__init__()

        def attention(place):
            return (
                create_block(block, place.channels) if block and place.role == "expanded" else None
            )

        self.stem = conv_norm(3, 8, 3, stride=2)
        unit = InvertedResidual(8, 8, stride=1, expansion=2, attention=attention)
        self.features = nn.Sequential(unit)
        self.head = Head(8, 16, 10, dropout=0.0)
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(self.stem(x)))


none = Small
se, coord, sk, gc = (partial(Small, name) for name in ("se", "coord", "sk", "gc"))
