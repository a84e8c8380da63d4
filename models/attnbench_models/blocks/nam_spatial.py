"""Normalization-based attention, its spatial half."""

from __future__ import annotations

from torch import Tensor, nn

from attnbench_models.checks import height_and_width


class SpatialNormalizationAttention(nn.Module):
    """
    Gate every element by its normalised value, weighted by the share of its pixel's BN scale.

    Shape   x (N, C, H, W) -> (N, C, H, W), with H and W as in `size`.
    Math    y = x * sigmoid(w BN(x)) with a BatchNorm whose features are the H W pixels and whose
            statistics are over N and C; w[p] = |lambda[p]| / sum over q of |lambda[q]|.
    Cost    2 H W parameters and 0 multiply-accumulates (no convolution, no matrix product).
    Source  Liu, Shao, Teng, Hoffmann, 2021, arXiv:2111.12419, equation 3. The authors published no
            code of it; they say that it is as the channel half with H and W as one dimension, so
            it multiplies by x as that does. No reference output exists to hold it to.
    Export  One multiply and one add per pixel, on a map that has its size built in. w is about
            1 / (H W): the gate hardly leaves 0.5.
    """

    def __init__(self, channels: int, *, size: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.channels = channels
        height, width = height_and_width("size", size)
        self.norm = nn.BatchNorm1d(height * width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        scale = self.norm.weight.abs()
        share = (scale / scale.sum()).unsqueeze(1)  # (H W, 1)
        pixels = self.norm(x.flatten(2).transpose(1, 2))  # (N, H W, C)
        gate = (share * pixels).sigmoid().transpose(1, 2)
        y: Tensor = x * gate.reshape(x.shape)
        return y
