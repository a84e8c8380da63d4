"""The multi-scale channel attention module."""

from __future__ import annotations

from torch import Tensor, nn

from attnbench_models.blocks.context import ChannelContext, authors_names
from attnbench_models.checks import at_least_one
from attnbench_models.layout import Layout


class MultiScaleChannelAttention(nn.Module):
    """
    Gate every element by its own pixel's channels and by the means of all channels.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W. In training N is at least 2.
    Math    y = x * sigmoid(local(x) + whole(mean_HW(x))), both BN(conv1x1(relu(BN(conv1x1)))) with
            weights of their own and biases.
    Cost    4 C M + 6 M + 6 C parameters and 2 C M (H W + 1) multiply-accumulates,
            with M = max(1, C // reduction).
    Source  Dai, Gieseke, Oehmcke, Wu, Barnard, WACV 2021, arXiv:2009.14082, equations 1 to 3;
            reduction 4 as in the authors' PyTorch code.
    Export  Two 1x1 convolutions on the whole map and two on one pixel; the sum broadcasts.
    """

    LAYOUTS = (Layout("YimianDai/open-aff", authors_names("context")),)

    def __init__(self, channels: int, *, reduction: int = 4) -> None:
        super().__init__()
        hidden = max(1, channels // at_least_one("reduction", reduction))
        self.context = ChannelContext(channels, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        gate: Tensor = self.context(x).sigmoid()
        return x * gate
