"""The four variants of SeaFormer, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Convolution = tuple[int, int, int, int]
"""Kernel, expansion, output channels and stride of an inverted residual."""


@dataclass(frozen=True, slots=True)
class Mixing:
    """What follows a stage's convolutions: how often, its attention's keys, the MLP's expansion."""

    repeats: int
    key_dim: int
    expansion: int


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage's inverted residuals, and what follows them, if anything does."""

    convolutions: tuple[Convolution, ...]
    mixing: Mixing | None = None

    @property
    def channels(self) -> int:
        """Output channels."""
        return self.convolutions[-1][2]


@dataclass(frozen=True, slots=True)
class Variant:
    """
    One variant of SeaFormer, with strides 4, 8, 16, 32 and 64 after its stages.

    `fused` are the widths of its segmentation head's fusions.
    """

    stem: int
    heads: int
    stages: tuple[Stage, ...]
    fused: tuple[int, ...]


VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        "t": Variant(
            stem=16,
            heads=4,
            stages=(
                Stage(((3, 1, 16, 1), (3, 4, 16, 2), (3, 3, 16, 1))),
                Stage(((5, 3, 32, 2), (5, 3, 32, 1))),
                Stage(((3, 3, 64, 2), (3, 3, 64, 1))),
                Stage(((5, 3, 128, 2),), Mixing(2, 16, 2)),
                Stage(((3, 6, 160, 2),), Mixing(2, 24, 4)),
            ),
            fused=(64, 96),
        ),
        "s": Variant(
            stem=16,
            heads=6,
            stages=(
                Stage(((3, 1, 16, 1), (3, 4, 24, 2), (3, 3, 24, 1))),
                Stage(((5, 3, 48, 2), (5, 3, 48, 1))),
                Stage(((3, 3, 96, 2), (3, 3, 96, 1))),
                Stage(((5, 4, 160, 2),), Mixing(3, 16, 2)),
                Stage(((3, 6, 192, 2),), Mixing(3, 24, 4)),
            ),
            fused=(96, 128),
        ),
        "b": Variant(
            stem=16,
            heads=8,
            stages=(
                Stage(((3, 1, 16, 1), (3, 4, 32, 2), (3, 3, 32, 1))),
                Stage(((5, 3, 64, 2), (5, 3, 64, 1))),
                Stage(((3, 3, 128, 2), (3, 3, 128, 1))),
                Stage(((5, 4, 192, 2),), Mixing(4, 16, 2)),
                Stage(((3, 6, 256, 2),), Mixing(4, 24, 4)),
            ),
            fused=(128, 160),
        ),
        "l": Variant(
            stem=32,
            heads=8,
            stages=(
                Stage(((3, 3, 32, 1), (3, 4, 64, 2), (3, 4, 64, 1))),
                Stage(((5, 4, 128, 2), (5, 4, 128, 1))),
                Stage(((3, 4, 192, 2), (3, 4, 192, 1)), Mixing(3, 16, 2)),
                Stage(((5, 4, 256, 2),), Mixing(3, 20, 4)),
                Stage(((3, 6, 320, 2),), Mixing(3, 24, 6)),
            ),
            fused=(128, 160, 192),
        ),
    }
)
"""As in fudan-zvg/SeaFormer: the models of seaformer-cls, the heads of seaformer-seg."""
