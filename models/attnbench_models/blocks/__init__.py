"""The attention blocks by name. Importing this table does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attnbench_models.catalogue import BlockEntry

BLOCKS: Mapping[str, BlockEntry] = MappingProxyType(
    {
        "none": BlockEntry(
            "attnbench_models.blocks.none:NoAttention",
            "no attention at all: the backbone leaves the place empty",
        ),
        "se": BlockEntry(
            "attnbench_models.blocks.se:SqueezeExcitation",
            "squeeze-and-excitation: one gate per channel, from its mean",
        ),
        "cbam": BlockEntry(
            "attnbench_models.blocks.cbam:ConvolutionalAttention",
            "convolutional block attention: a gate per channel, then a gate per pixel",
        ),
        "coord": BlockEntry(
            "attnbench_models.blocks.coord:CoordinateAttention",
            "coordinate attention: a gate per channel and row, and one per channel and column",
        ),
        "nam": BlockEntry(
            "attnbench_models.blocks.nam:NormalizationAttention",
            "normalization-based attention: a gate per element, weighted by BatchNorm's own scale",
        ),
        "sea": BlockEntry(
            "attnbench_models.blocks.sea:SqueezeAxialAttention",
            "squeeze-enhanced axial attention: rows and columns attend, and gate local detail",
            kind="residual",
        ),
    }
)
