"""The bottleneck attention module."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from attnbench_models.checks import at_least_one, one_of
from attnbench_models.layout import Layout


class BottleneckAttention(nn.Module):
    """
    Raise every element by up to its own size, by what its channel and its surroundings score.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W. In training N is at least 2.
    Math    y = x * (1 + sigmoid(c * s)), one score a channel and one a pixel:
            c = W2 relu(BN(W1 mean_HW(x))), s = V3 f(f(relu(BN(V1 x)))), all with biases, and
            f(t) = relu(BN(conv3x3(t))) dilated by `dilation`.
    Cost    3 C M + 18 M M + 13 M + C + 1 parameters and
            2 C M + (C M + 18 M M + M) H W multiply-accumulates, with M = max(1, C // reduction).
    Source  Park, Woo, Lee, Kweon, BMVC 2018, arXiv:1807.06514, equations 1 to 4. The paper adds the
            two scores, the authors' code multiplies them: this is the code's form, BatchNorms
            included, and `combine="sum"` adds. Their pooling works on square maps only, this one on
            any. For the ends of a network's stages, not for each of its units.
    Export  Dilated 3x3 convolutions on C / 16 channels; the rest is as in squeeze-and-excitation.
    """

    LAYOUTS = (
        Layout(
            "Jongchan/attention-module",
            {
                "channel.reduce": "channel_att.gate_c.gate_c_fc_0",
                "channel.norm": "channel_att.gate_c.gate_c_bn_1",
                "channel.expand": "channel_att.gate_c.gate_c_fc_final",
                "pixel.reduce.conv": "spatial_att.gate_s.gate_s_conv_reduce0",
                "pixel.reduce.norm": "spatial_att.gate_s.gate_s_bn_reduce0",
                "pixel.first.conv": "spatial_att.gate_s.gate_s_conv_di_0",
                "pixel.first.norm": "spatial_att.gate_s.gate_s_bn_di_0",
                "pixel.second.conv": "spatial_att.gate_s.gate_s_conv_di_1",
                "pixel.second.norm": "spatial_att.gate_s.gate_s_bn_di_1",
                "pixel.score": "spatial_att.gate_s.gate_s_conv_final",
            },
        ),
    )

    def __init__(
        self, channels: int, *, reduction: int = 16, dilation: int = 4, combine: str = "product"
    ) -> None:
        super().__init__()
        hidden = max(1, channels // at_least_one("reduction", reduction))
        apart = at_least_one("dilation", dilation)
        self.adds = one_of("combine", combine, ("product", "sum")) == "sum"
        channel: list[tuple[str, nn.Module]] = [
            ("reduce", nn.Conv2d(channels, hidden, 1)),
            ("norm", nn.BatchNorm2d(hidden)),
            ("act", nn.ReLU()),
            ("expand", nn.Conv2d(hidden, channels, 1)),
        ]
        pixel: list[tuple[str, nn.Module]] = [
            ("reduce", _normed(nn.Conv2d(channels, hidden, 1))),
            ("first", _normed(nn.Conv2d(hidden, hidden, 3, padding=apart, dilation=apart))),
            ("second", _normed(nn.Conv2d(hidden, hidden, 3, padding=apart, dilation=apart))),
            ("score", nn.Conv2d(hidden, 1, 1)),
        ]
        self.channel = nn.Sequential(OrderedDict(channel))
        self.pixel = nn.Sequential(OrderedDict(pixel))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        c = self.channel(x.mean(dim=(2, 3), keepdim=True))  # (N, C, 1, 1)
        s = self.pixel(x)  # (N, 1, H, W)
        gate: Tensor = (c + s if self.adds else c * s).sigmoid()
        return x * (1 + gate)


def _normed(conv: nn.Conv2d) -> nn.Sequential:
    parts = OrderedDict(conv=conv, norm=nn.BatchNorm2d(conv.out_channels), act=nn.ReLU())
    return nn.Sequential(parts)
