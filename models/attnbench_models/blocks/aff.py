"""Attentional feature fusion."""

from __future__ import annotations

from torch import Tensor, nn

from attnbench_models.blocks.context import ChannelContext, authors_names
from attnbench_models.checks import at_least_one
from attnbench_models.layout import Layout


class AttentionalFusion(nn.Module):
    """
    Add two feature maps, each element's two parts weighted against each other.

    Shape   x and residual (N, C, H, W) -> (N, C, H, W); any H and W. In training N is at least 2.
    Math    y = 2 x w + 2 residual (1 - w), with w = sigmoid(local(z) + whole(mean_HW(z))) of
            z = x + residual; local and whole are BN(conv1x1(relu(BN(conv1x1)))).
    Cost    4 C M + 6 M + 6 C parameters and 2 C M (H W + 1) multiply-accumulates,
            with M = max(1, C // reduction).
    Source  Dai et al., WACV 2021, arXiv:2009.14082, equation 4; the factor 2, by which w = 1/2 is
            the plain sum, and `reduction` 4 as in the authors' code (theirs for ImageNet's
            bottlenecks is 16, see the ResNets). Two widely copied listings called AFF are ablations
            of the paper: without the bottleneck, or x + w residual.
    Export  Two 1x1 convolutions on the whole map and two on one pixel, then five elementwise
            operators. `1 - w` is of the form that litert-torch 0.10.0 can swap, and is rewritten;
            after this sigmoid it was right without, too.
    """

    LAYOUTS = (Layout("YimianDai/open-aff", authors_names("context")),)

    def __init__(self, channels: int, *, reduction: int = 4) -> None:
        super().__init__()
        hidden = max(1, channels // at_least_one("reduction", reduction))
        self.context = ChannelContext(channels, hidden)

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        """(N, C, H, W) and (N, C, H, W) -> (N, C, H, W)."""
        weight = self.context(x + residual).sigmoid()
        fused: Tensor = 2 * x * weight + 2 * residual * (1 - weight)
        return fused
