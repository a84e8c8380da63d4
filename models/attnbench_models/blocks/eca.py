"""Efficient channel attention."""

from __future__ import annotations

import math

from torch import Tensor, nn

from attnbench_models.checks import odd
from attnbench_models.layout import Layout


class EfficientChannelAttention(nn.Module):
    """
    Gate every channel by its own mean and those of its neighbours.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W.
    Math    y = x * sigmoid(conv1d(mean_HW(x))), one kernel of length k over the channels.
    Cost    M parameters and C M multiply-accumulates,
            with M = max(3, 1 + 2 * int((1 + log2(C)) / 4)).
            `kernel` sets M itself.
    Source  Wang, Wu, Zhu, Li, Zuo, Hu, CVPR 2020, arXiv:1910.03151, equations 9 and 12, with
            gamma 2 and b 1; the kernel is at least 3, as in timm. The authors' models are given one
            for each stage instead, which is what `kernel` is for.
    Export  A convolution along the channels of one pixel, so (N, C, 1, 1) becomes (N, 1, C).
    """

    LAYOUTS = (Layout("BangguWu/ECANet"),)

    def __init__(self, channels: int, *, kernel: int | None = None) -> None:
        super().__init__()
        size = nearest_kernel(channels) if kernel is None else odd("kernel", kernel)
        self.conv = nn.Conv1d(1, 1, size, padding=size // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        means = x.mean(dim=(2, 3), keepdim=True).squeeze(3).transpose(1, 2)  # (N, 1, C)
        gate: Tensor = self.conv(means).sigmoid().transpose(1, 2).unsqueeze(3)
        return x * gate


def nearest_kernel(channels: int) -> int:
    """The odd number next to (log2(C) + 1) / 2, rounded up, and at least 3."""
    length = int((math.log2(channels) + 1) / 2)
    return max(3, length if length % 2 else length + 1)
