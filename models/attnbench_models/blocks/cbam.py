"""The convolutional block attention module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attnbench_models.checks import at_least_one
from attnbench_models.layout import Layout


class ConvolutionalAttention(nn.Module):
    """
    Gate every channel by its mean and maximum, then every pixel by those over the channels.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W.
    Math    u = x * sigmoid(f(mean_HW(x)) + f(max_HW(x))), with f(t) = W2 relu(W1 t + b1) + b2;
            y = u * sigmoid(BN(conv7x7([max_C(u), mean_C(u)]))).
    Cost    2 C M + M + C + 100 parameters and 4 C M + 98 H W multiply-accumulates,
            with M = max(1, C // reduction).
    Source  Woo, Park, Lee, Kweon, ECCV 2018, arXiv:1807.06521, equations 1 to 3. The paper writes
            [mean, max] and mentions no normalisation; the authors' code, which made the published
            weights, concatenates [max, mean] and has a BatchNorm (momentum 0.01) after the 7x7
            convolution without bias. This is the code's form.
    Export  Both reductions over the channels cross the layout that convolutions like; amax, not
            max, so that no exporter has indices to drop.
    """

    LAYOUTS = (
        Layout(
            "Jongchan/attention-module",
            {
                "reduce": "ChannelGate.mlp.1",
                "expand": "ChannelGate.mlp.3",
                "conv": "SpatialGate.spatial.conv",
                "norm": "SpatialGate.spatial.bn",
            },
        ),
    )

    def __init__(self, channels: int, *, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // at_least_one("reduction", reduction))
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.expand = nn.Conv2d(hidden, channels, 1)
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(1, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        average = self._perceptron(x.mean(dim=(2, 3), keepdim=True))
        peak = self._perceptron(x.amax(dim=(2, 3), keepdim=True))
        x = x * (average + peak).sigmoid()  # gate (N, C, 1, 1)
        pooled = torch.cat([x.amax(dim=1, keepdim=True), x.mean(dim=1, keepdim=True)], dim=1)
        gate: Tensor = self.norm(self.conv(pooled)).sigmoid()  # (N, 1, H, W)
        return x * gate

    def _perceptron(self, pooled: Tensor) -> Tensor:
        scores: Tensor = self.expand(self.reduce(pooled).relu())
        return scores
