"""Iterative attentional feature fusion."""

from __future__ import annotations

from torch import Tensor, nn

from attnbench_models.blocks.context import ChannelContext, authors_names
from attnbench_models.checks import at_least_one, one_of
from attnbench_models.layout import Layout


class IterativeFusion(nn.Module):
    """
    Average two feature maps by weights that are drawn from a first such average of them.

    Shape   x and residual (N, C, H, W) -> (N, C, H, W); any H and W. In training N is at least 2.
    Math    first = x w + residual (1 - w), y = x v + residual (1 - v), with
            w = sigmoid(local1(z) + whole1(mean_HW(z))) of z = x + residual and
            v = sigmoid(local2(first) + whole2(mean_HW(first))).
    Cost    8 C M + 12 M + 12 C parameters and 4 C M (H W + 1) multiply-accumulates,
            with M = max(1, C // reduction).
    Source  Dai et al., WACV 2021, arXiv:2009.14082, equation 5, as in the authors' MXNet code.
            Their PyTorch port takes whole1 a second time and leaves whole2 without use, which
            `second_whole` "first" computes, with the same parameters. Neither has `aff`'s factor 2.
    Export  As `aff`, twice. Exporters drop the weights of a whole2 that is not used.
    """

    LAYOUTS = (
        Layout("YimianDai/open-aff", authors_names("first") | authors_names("second", suffix="2")),
    )

    def __init__(self, channels: int, *, reduction: int = 4, second_whole: str = "own") -> None:
        super().__init__()
        hidden = max(1, channels // at_least_one("reduction", reduction))
        self.first = ChannelContext(channels, hidden)
        self.second = ChannelContext(channels, hidden)
        self.shares = one_of("second_whole", second_whole, ("own", "first")) == "first"

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        """(N, C, H, W) and (N, C, H, W) -> (N, C, H, W)."""
        first = _average(x, residual, self.first(x + residual))
        whole = self.first.whole if self.shares else self.second.whole
        scores = self.second.local(first) + whole(first.mean(dim=(2, 3), keepdim=True))
        return _average(x, residual, scores)


def _average(x: Tensor, residual: Tensor, scores: Tensor) -> Tensor:
    weight = scores.sigmoid()
    return x * weight + residual * (1 - weight)
