"""Channel prior convolutional attention."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from attnbench_models.checks import at_least_one
from attnbench_models.layout import Layout

STRIPS = (7, 11, 21)


class ChannelPriorAttention(nn.Module):
    """
    Gate every channel, then multiply every element by convolutions of several lengths around it.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W.
    Math    u = gelu(W x), v = u * (sigmoid(f(mean_HW(u))) + sigmoid(f(max_HW(u)))) with
            f(t) = F2 relu(F1 t); s = conv5x5(v), y = W (v * W (s + sum_k column_k(row_k(s)))) for
            k = 7, 11, 21. W is one 1x1 convolution, used three times; those of size 5 and k are
            of each channel alone, row_k is 1 x k and column_k k x 1. All have biases.
    Cost    C C + 2 C M + M + 112 C parameters and
            (3 C C + 103 C) H W + 4 C M multiply-accumulates, with M = max(1, C // reduction).
    Source  Huang, Chen, Zou, Lu, Chen, Computers in Biology and Medicine 2024, arXiv:2306.05196;
            the shared 1x1 convolution, the GELU and reduction 4 as in the
            authors' RepBlock, which has no normalisation anywhere.
    Export  Seven convolutions of each channel alone, with kernels up to 21; an exact GELU.
    """

    LAYOUTS = (
        Layout(
            "Cuthbert-Huang/CPCANet",
            {
                "mix": "conv",
                "reduce": "ca.fc1",
                "expand": "ca.fc2",
                "near": "dconv5_5",
                **{f"rows.{i}": f"dconv1_{k}" for i, k in enumerate(STRIPS)},
                **{f"columns.{i}": f"dconv{k}_1" for i, k in enumerate(STRIPS)},
            },
        ),
    )

    def __init__(self, channels: int, *, reduction: int = 4) -> None:
        super().__init__()
        hidden = max(1, channels // at_least_one("reduction", reduction))
        self.mix = nn.Conv2d(channels, channels, 1)
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.expand = nn.Conv2d(hidden, channels, 1)
        self.near = _alone(channels, (5, 5))
        self.rows = nn.ModuleList(_alone(channels, (1, size)) for size in STRIPS)
        self.columns = nn.ModuleList(_alone(channels, (size, 1)) for size in STRIPS)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        u = functional.gelu(self.mix(x))
        average = self._gate(u.mean(dim=(2, 3), keepdim=True))
        peak = self._gate(u.amax(dim=(2, 3), keepdim=True))
        v = u * (average + peak)  # gates (N, C, 1, 1)
        near = total = self.near(v)
        for row, column in zip(self.rows, self.columns, strict=True):
            total = total + column(row(near))
        y: Tensor = self.mix(v * self.mix(total))
        return y

    def _gate(self, pooled: Tensor) -> Tensor:
        gate: Tensor = self.expand(self.reduce(pooled).relu()).sigmoid()
        return gate


def _alone(channels: int, kernel: tuple[int, int]) -> nn.Conv2d:
    """Each channel by itself, keeping its size."""
    padding = (kernel[0] // 2, kernel[1] // 2)
    return nn.Conv2d(channels, channels, kernel, padding=padding, groups=channels)
