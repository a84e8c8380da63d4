"""The selective kernel unit."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from attnbench_models.backbones.layers import rounded
from attnbench_models.checks import at_least_one
from attnbench_models.errors import ModelError
from attnbench_models.layout import Layout


class SelectiveKernel(nn.Module):
    """
    Convolve with a small and a large kernel, and choose between the two for every channel.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W. In training N is at least 2. C is even
            where `split`.
    Math    u_i = relu(BN(conv3x3(x_i))), the second dilated by 2 for a 5x5 field; x_1 and x_2 are
            the halves of x's channels, or each all of x without `split`.
            y = a_1 * u_1 + a_2 * u_2, a pair of weights for each channel: the softmax over i of
            V_i relu(BN(W mean_HW(u_1 + u_2))).
    Cost    9 C C + 4 C + 3 C M + 2 M parameters and
            9 C C H W + 3 C M multiply-accumulates, with M = rounded(C / reduction).
            `groups` divides 9 C C; without `split` it is doubled. `hidden` sets M itself.
    Source  Li, Wang, Hu, Yang, CVPR 2019, arXiv:1903.06586, equations 1 to 6. The default is timm's
            `sk`: half of the channels for each kernel, dense convolutions, and M the nearest
            multiple of 8 to C / 16. The paper has split=False, groups=32, hidden=max(C / 16, 32).
    Export  Two convolutions on the whole map. The softmax over two is the paper's; a runtime
            could as well have the sigmoid of the scores' difference.
    """

    LAYOUTS = (
        Layout(
            "timm sk",
            {
                "small.conv": "paths.0.conv",
                "small.norm": "paths.0.bn",
                "large.conv": "paths.1.conv",
                "large.norm": "paths.1.bn",
                "reduce": "attn.fc_reduce",
                "norm": "attn.bn",
                "select": "attn.fc_select",
            },
        ),
    )

    def __init__(
        self,
        channels: int,
        *,
        reduction: int = 16,
        hidden: int | None = None,
        groups: int = 1,
        split: bool = True,
    ) -> None:
        super().__init__()
        width = rounded(channels / at_least_one("reduction", reduction))
        if hidden is not None:
            width = at_least_one("hidden", hidden)
        self.split = split
        inputs = channels // 2 if split else channels
        if channels % (2 if split else 1) or inputs % at_least_one("groups", groups):
            raise ModelError(
                f"groups must be a divisor of each kernel's input, {channels} / {1 + split}"
                f" channels, not {groups}"
            )
        self.small = _path(inputs, channels, 1, groups)
        self.large = _path(inputs, channels, 2, groups)
        self.reduce = nn.Conv2d(channels, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.select = nn.Conv2d(width, 2 * channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        near, far = x.chunk(2, dim=1) if self.split else (x, x)
        small, large = self.small(near), self.large(far)
        means = (small + large).mean(dim=(2, 3), keepdim=True)
        scores = self.select(self.norm(self.reduce(means)).relu())  # (N, 2 C, 1, 1)
        a, b = torch.stack(scores.chunk(2, dim=1), dim=1).softmax(dim=1).unbind(1)
        y: Tensor = a * small + b * large
        return y


def _path(inputs: int, outputs: int, dilation: int, groups: int) -> nn.Sequential:
    conv = nn.Conv2d(
        inputs, outputs, 3, padding=dilation, dilation=dilation, groups=groups, bias=False
    )
    parts = OrderedDict(conv=conv, norm=nn.BatchNorm2d(outputs), act=nn.ReLU())
    return nn.Sequential(parts)
