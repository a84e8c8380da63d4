"""The global context block."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attnbench_models.checks import at_least_one, one_of
from attnbench_models.layout import Layout


class GlobalContext(nn.Module):
    """
    Sum up the map where one attention map looks, transform that, and add it to every pixel.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W.
    Math    a = softmax over all pixels of (w x + b); c = the sum of x over all pixels, weighted
            by a; t = W2 relu(LN(W1 c + b1)) + b2, with LN over the channels. y = x + t where `fuse`
            is "add", y = x * sigmoid(t) where it is "scale".
    Cost    2 C M + 3 M + 2 C + 1 parameters and 2 C M + 2 C H W multiply-accumulates,
            with M = max(1, int(C / reduction + 0.5)).
    Source  Cao, Xu, Lin, Wei, Hu, ICCV workshops 2019, arXiv:1904.11492, equation 5, which adds.
            The default is timm's `gc`, which scales, with reduction 8 and an epsilon of 1e-6 in
            the LayerNorm (the paper: 16 and, in its code, 1e-5).
    Export  A softmax over H W numbers and a matrix product with one column.
    """

    LAYOUTS = (
        Layout(
            "timm gc",
            {
                "attend": "conv_attn",
                "reduce": "mlp_scale.fc1",
                "norm": "mlp_scale.norm",
                "expand": "mlp_scale.fc2",
            },
        ),
        Layout(
            "timm gc, adding",
            {
                "attend": "conv_attn",
                "reduce": "mlp_add.fc1",
                "norm": "mlp_add.norm",
                "expand": "mlp_add.fc2",
            },
        ),
    )

    def __init__(self, channels: int, *, reduction: int = 8, fuse: str = "scale") -> None:
        super().__init__()
        hidden = max(1, int(channels / at_least_one("reduction", reduction) + 0.5))
        self.adds = one_of("fuse", fuse, ("scale", "add")) == "add"
        self.attend = nn.Conv2d(channels, 1, 1)
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.norm = nn.LayerNorm(hidden, eps=1e-6)
        self.expand = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        weights = self.attend(x).flatten(2).softmax(dim=2)  # (N, 1, H W)
        context = torch.bmm(x.flatten(2), weights.transpose(1, 2)).unsqueeze(3)  # (N, C, 1, 1)
        reduced = self.norm(self.reduce(context).flatten(1)).relu()
        change: Tensor = self.expand(reduced[:, :, None, None])
        return x + change if self.adds else x * change.sigmoid()
