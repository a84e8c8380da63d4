"""Squeeze-and-excitation."""

from __future__ import annotations

from torch import Tensor, nn

from attnbench_models.checks import at_least_one, one_of
from attnbench_models.layout import Layout

ACTIVATIONS = {"relu": nn.ReLU, "relu6": nn.ReLU6, "silu": nn.SiLU}
GATES = {"sigmoid": nn.Sigmoid, "hard-sigmoid": nn.Hardsigmoid}


class SqueezeExcitation(nn.Module):
    """
    Gate every channel by what all channels' means say about it.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W.
    Math    y = x * g(W2 r(W1 mean_HW(x) + b1) + b2), with `activation` r and `gate` g.
    Cost    2 C M + M + C parameters and 2 C M multiply-accumulates,
            with M = max(1, C // reduction).
            `hidden` sets M itself; without `bias` the parameters are 2 C M.
    Source  Hu, Shen, Sun, CVPR 2018, arXiv:1709.01507, equations 2 to 4; reduction 16 and biases
            as in the authors' Caffe models. A popular PyTorch port leaves the biases out; the
            MobileNetV2 of the coordinate attention paper has reduction 24 and ReLU6, MobileNetV3
            the hard sigmoid, EfficientNet SiLU.
    Export  One mean over H and W, two 1x1 convolutions on a single pixel, one broadcast product.
    """

    LAYOUTS = (
        Layout("moskomule/senet.pytorch", {"reduce": "fc.0", "expand": "fc.2"}),
        Layout("timm", {"reduce": "conv_reduce", "expand": "conv_expand"}),
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
        gate: str = "sigmoid",
    ) -> None:
        super().__init__()
        width = max(1, channels // at_least_one("reduction", reduction))
        if hidden is not None:
            width = at_least_one("hidden", hidden)
        self.reduce = nn.Conv2d(channels, width, 1, bias=bias)
        self.activation = ACTIVATIONS[one_of("activation", activation, tuple(ACTIVATIONS))]()
        self.expand = nn.Conv2d(width, channels, 1, bias=bias)
        self.gate = GATES[one_of("gate", gate, tuple(GATES))]()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        squeezed = x.mean(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
        gate: Tensor = self.gate(self.expand(self.activation(self.reduce(squeezed))))
        return x * gate
