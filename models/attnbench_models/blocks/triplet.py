"""Triplet attention."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from attnbench_models.checks import odd
from attnbench_models.layout import Layout


class TripletAttention(nn.Module):
    """
    Mean of three gates, each of which sees one pair of dimensions and pools the third.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W.
    Math    y = x * (g_HW + g_CW + g_HC) / 3, with g = sigmoid(BN(conv([max(x), mean(x)]))); the
            reductions are over C, H and W, the convolution is on the two dimensions left.
    Cost    300 parameters and 98 (H W + C W + C H) multiply-accumulates.
            With `no_spatial` g_HW is left out, and y is the mean of the other two.
    Source  Misra, Nalamada, Arasanipalai, Hou, WACV 2021, arXiv:2010.03045, Section 3;
            kernel 7, no bias and the BatchNorm (momentum 0.01) as in the authors' code. They
            permute x twice and back; here only what is pooled is permuted.
    Export  Three reductions with maximum and mean. Two of the convolutions have C as a side of
            their map: cheap in multiplications, foreign to runtimes that keep channels last.
    """

    LAYOUTS = (
        Layout(
            "landskape-ai/triplet-attention",
            {
                "rows": "hc.conv",
                "columns": "cw.conv",
                "pixels": "hw.conv",
                "rows.norm": "hc.conv.bn",
                "columns.norm": "cw.conv.bn",
                "pixels.norm": "hw.conv.bn",
            },
        ),
    )

    def __init__(self, channels: int, *, kernel: int = 7, no_spatial: bool = False) -> None:
        super().__init__()
        self.channels = channels
        self.columns = _gate(odd("kernel", kernel))
        self.rows = _gate(kernel)
        self.pixels = None if no_spatial else _gate(kernel)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        columns = self.columns(_pooled(x, 2).transpose(1, 2))  # (N, 1, C, W)
        rows = self.rows(_pooled(x, 3).permute(0, 3, 2, 1))  # (N, 1, H, C)
        gate: Tensor = columns.sigmoid().transpose(1, 2) + rows.sigmoid().permute(0, 3, 2, 1)
        if self.pixels is None:
            return x * (gate / 2)
        pixels = self.pixels(_pooled(x, 1)).sigmoid()  # (N, 1, H, W)
        mean: Tensor = (gate + pixels) / 3
        return x * mean


def _gate(kernel: int) -> nn.Sequential:
    conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)
    parts: list[tuple[str, nn.Module]] = [
        ("conv", conv),
        ("norm", nn.BatchNorm2d(1, momentum=0.01)),
    ]
    return nn.Sequential(OrderedDict(parts))


def _pooled(x: Tensor, dim: int) -> Tensor:
    """The maximum over `dim`, and after it the mean, in its place."""
    return torch.cat([x.amax(dim, keepdim=True), x.mean(dim, keepdim=True)], dim)
