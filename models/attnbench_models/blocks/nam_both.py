"""Normalization-based attention, both halves."""

from __future__ import annotations

from torch import Tensor, nn

from attnbench_models.blocks.nam import NormalizationAttention
from attnbench_models.blocks.nam_spatial import SpatialNormalizationAttention


class FullNormalizationAttention(nn.Module):
    """
    Gate by the channels' BatchNorm scales, then by the pixels'.

    Shape   x (N, C, H, W) -> (N, C, H, W), with H and W as in `size`.
    Math    y = spatial(channel(x)), see `nam` and `nam-spatial`.
    Cost    2 C + 2 H W parameters and 0 multiply-accumulates (no convolution, no matrix product).
    Source  Liu, Shao, Teng, Hoffmann, 2021, arXiv:2111.12419, equations 2 and 3; the channels
            first, as the authors answer in their repository, whose code has only those.
    Export  Four multiplies and adds; its size is built in.
    """

    def __init__(self, channels: int, *, size: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.channel = NormalizationAttention(channels)
        self.spatial = SpatialNormalizationAttention(channels, size=size)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        y: Tensor = self.spatial(self.channel(x))
        return y
