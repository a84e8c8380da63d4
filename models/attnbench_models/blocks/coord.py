"""Coordinate attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attnbench_models.checks import at_least_one
from attnbench_models.layout import Layout


class CoordinateAttention(nn.Module):
    """
    Gate every channel once along its rows and once along its columns.

    Shape   x (N, C, H, W) -> (N, C, H, W); H and W may differ, and may change between calls.
    Math    y[n,c,h,w] = x[n,c,h,w] * a[n,c,h] * b[n,c,w]; a = sigmoid(conv_h(f)) over the rows'
            part and b = sigmoid(conv_w(f)) over the columns' part of
            f = hardswish(BN(conv1([mean_W(x), mean_H(x)]))).
    Cost    3 C M + 3 M + 2 C parameters and 2 C M (H + W) multiply-accumulates,
            with M = max(8, C // reduction).
    Source  Hou, Zhou, Feng, CVPR 2021, arXiv:2103.02907, equations 4 to 9; M, the biases and the
            hard-swish as in the authors' code (their README says SiLU).
    Export  Two means, one concatenation, one split. In evaluation the concatenation is not needed
            (conv1 and BN act on every position alike); in training it is: one set of statistics.
    """

    LAYOUTS = (
        Layout("houqb/CoordAttention coordatt.py"),
        Layout("houqb/CoordAttention mbv2_ca.py", {"conv_h": "conv2", "conv_w": "conv3"}),
    )

    def __init__(self, channels: int, *, reduction: int = 32) -> None:
        super().__init__()
        hidden = max(8, channels // at_least_one("reduction", reduction))
        self.conv1 = nn.Conv2d(channels, hidden, 1)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.act = nn.Hardswish()
        self.conv_h = nn.Conv2d(hidden, channels, 1)
        self.conv_w = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        height, width = x.shape[2:]
        rows = x.mean(dim=3, keepdim=True)  # (N, C, H, 1)
        columns = x.mean(dim=2, keepdim=True).transpose(2, 3)  # (N, C, W, 1)
        mixed = self.act(self.bn1(self.conv1(torch.cat([rows, columns], dim=2))))
        along_h, along_w = mixed.split([height, width], dim=2)
        a: Tensor = self.conv_h(along_h).sigmoid()  # (N, C, H, 1)
        b: Tensor = self.conv_w(along_w.transpose(2, 3)).sigmoid()  # (N, C, 1, W)
        return x * a * b
