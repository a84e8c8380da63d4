"""Normalization-based attention, its channel half."""

from __future__ import annotations

from torch import Tensor, nn

from attnbench_models.layout import Layout


class NormalizationAttention(nn.Module):
    """
    Gate every element by its normalised value, weighted by the share of its channel's BN scale.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W.
    Math    y = x * sigmoid(w BN(x)), with w[c] = |gamma[c]| / sum over k of |gamma[k]|.
    Cost    2 C parameters and 0 multiply-accumulates (no convolution, no matrix product).
    Source  Liu, Shao, Teng, Hoffmann, 2021, arXiv:2111.12419, equation 2. The paper's formula ends
            at the sigmoid; the authors' code multiplies by x, and so does this. Their code stops
            the gradient through w; here w is differentiable. The spatial half was never published
            as code and would fix the input's size, so it is not here.
    Export  In evaluation w BN(x) is one multiply and one add per channel. w is about 1 / C: the
            gate hardly leaves 0.5, and in int8 or wide layers in fp16 it does not leave it at all.
    """

    LAYOUTS = (
        Layout("Christian-lyc/NAM Channel_Att", {"norm": "bn2"}),
        Layout("Christian-lyc/NAM Att", {"norm": "Channel_Att.bn2"}),
    )

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        scale = self.norm.weight.abs()
        share = (scale / scale.sum()).view(1, -1, 1, 1)
        gate: Tensor = (share * self.norm(x)).sigmoid()
        return x * gate
