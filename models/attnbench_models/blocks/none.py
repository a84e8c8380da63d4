"""No attention, as a block."""

from __future__ import annotations

from torch import Tensor, nn


class NoAttention(nn.Module):
    """
    Hand the input on: the baseline that every other block is compared with.

    Shape   x (N, C, H, W) -> (N, C, H, W), the same tensor.
    Math    y = x
    Cost    0 parameters and 0 multiply-accumulates.
    Source  None. A backbone asked for this block has no module in its place.
    Export  Nothing to export: it vanishes from every graph.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return x
