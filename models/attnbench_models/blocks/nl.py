"""The non-local block."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attnbench_models.backbones.layers import rounded
from attnbench_models.checks import at_least_one
from attnbench_models.layout import Layout


class NonLocal(nn.Module):
    """
    Add to every pixel what all others hold, weighted by how alike they are.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W.
    Math    a = softmax over k of (theta(x)_j . phi(x)_k / sqrt(C)) for the pixels j and k;
            y = x + BN(W (a g(x)^T) + b), with 1x1 convolutions theta, phi and g to M channels.
    Cost    4 C M + 3 M + 3 C parameters and 4 C M H W + 2 M H W H W multiply-accumulates,
            with M = rounded(C / reduction).
            Without `scaled` nothing divides by sqrt(C).
    Source  Wang, Girshick, Gupta, He, CVPR 2018, arXiv:1711.07971, equations 1 to 6, the embedded
            Gaussian. The default is timm's `nl`: M a multiple of 8 near C / 8, and scores scaled;
            the paper has reduction=2 and scaled=False. Both add; both start BN at 0, which leaves
            x as it is: here a backbone's initial weights say otherwise.
    Export  Two matrix products and a softmax over (H W) x (H W) numbers: with the height and width
            of the map doubled, sixteen times the memory and time.
    """

    LAYOUTS = (Layout("timm nl", {"theta": "t", "phi": "p", "g": "g", "out": "z", "norm": "norm"}),)

    def __init__(self, channels: int, *, reduction: int = 8, scaled: bool = True) -> None:
        super().__init__()
        hidden = rounded(channels / at_least_one("reduction", reduction))
        self.scale = channels**-0.5 if scaled else 1.0
        self.theta = nn.Conv2d(channels, hidden, 1)
        self.phi = nn.Conv2d(channels, hidden, 1)
        self.g = nn.Conv2d(channels, hidden, 1)
        self.out = nn.Conv2d(hidden, channels, 1)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        height, width = x.shape[2:]
        queries = self.theta(x).flatten(2).transpose(1, 2)  # (N, H W, M)
        keys, values = self.phi(x).flatten(2), self.g(x).flatten(2)  # (N, M, H W)
        weights = (torch.bmm(queries, keys) * self.scale).softmax(dim=2)  # (N, H W, H W)
        seen = torch.bmm(weights, values.transpose(1, 2)).transpose(1, 2)  # (N, M, H W)
        change: Tensor = self.norm(self.out(seen.reshape(*seen.shape[:2], height, width)))
        return x + change
