"""Squeeze-and-excitation."""

from __future__ import annotations

from torch import Tensor, nn

from attnbench_models.checks import at_least_one, one_of
from attnbench_models.layout import Layout


class SqueezeExcitation(nn.Module):
    """
    Gate every channel by what all channels' means say about it.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W.
    Math    y = x * sigmoid(W2 r(W1 mean_HW(x) + b1) + b2), with r = ReLU or ReLU6.
    Cost    2 C M + M + C parameters and 2 C M multiply-accumulates,
            with M = max(1, C // reduction).
            `hidden` sets M itself; without `bias` the parameters are 2 C M.
    Source  Hu, Shen, Sun, CVPR 2018, arXiv:1709.01507, equations 2 to 4; reduction 16 and biases
            as in the authors' Caffe models. A popular PyTorch port leaves the biases out; the
            MobileNetV2 of the coordinate attention paper has reduction 24 and ReLU6.
    Export  One mean over H and W, two 1x1 convolutions on a single pixel, one broadcast product.
    """

    LAYOUTS = (
        Layout("moskomule/senet.pytorch", {"reduce": "fc.0", "expand": "fc.2"}),
        Layout("Andrew-Qibin/ssdlite-pytorch-mobilenext", {"reduce": "conv.0", "expand": "conv.2"}),
    )

    def __init__(
        self,
        channels: int,
        *,
        reduction: int = 16,
        hidden: int | None = None,
        bias: bool = True,
        activation: str = "relu",
    ) -> None:
        super().__init__()
        width = max(1, channels // at_least_one("reduction", reduction))
        if hidden is not None:
            width = at_least_one("hidden", hidden)
        relu6 = one_of("activation", activation, ("relu", "relu6")) == "relu6"
        self.reduce = nn.Conv2d(channels, width, 1, bias=bias)
        self.activation = nn.ReLU6() if relu6 else nn.ReLU()
        self.expand = nn.Conv2d(width, channels, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        squeezed = x.mean(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
        gate: Tensor = self.expand(self.activation(self.reduce(squeezed))).sigmoid()
        return x * gate
