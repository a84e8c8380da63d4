"""Coordinate attention along one direction only."""

from __future__ import annotations

from torch import Tensor, nn

from attnbench_models.checks import at_least_one


class StripMixing(nn.Module):
    """What both directions share: (N, C, 1, W) or (N, C, H, 1) -> M channels of the same strip."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.hidden = max(8, channels // at_least_one("reduction", reduction))
        self.conv1 = nn.Conv2d(channels, self.hidden, 1)
        self.bn1 = nn.BatchNorm2d(self.hidden)
        self.act = nn.Hardswish()

    def mixed(self, strip: Tensor) -> Tensor:
        """hardswish(BN(conv1(strip)))."""
        result: Tensor = self.act(self.bn1(self.conv1(strip)))
        return result


class CoordinateAttentionX(StripMixing):
    """
    Gate every channel along its columns only: the X attention of coordinate attention.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W.
    Math    y[n,c,h,w] = x[n,c,h,w] * b[n,c,w], with
            b = sigmoid(conv_w(hardswish(BN(conv1(mean_H(x)))))).
    Cost    2 C M + 3 M + C parameters and 2 C M W multiply-accumulates,
            with M = max(8, C // reduction).
    Source  Hou, Zhou, Feng, CVPR 2021, arXiv:2103.02907, Table 1, "X Attention"; the authors give
            no code for it, so the parts are those of their whole block.
    Export  One mean over one axis and one product that broadcasts over it.
    """

    def __init__(self, channels: int, *, reduction: int = 32) -> None:
        super().__init__(channels, reduction)
        self.conv_w = nn.Conv2d(self.hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        columns = x.mean(dim=2, keepdim=True)
        gate: Tensor = self.conv_w(self.mixed(columns)).sigmoid()  # (N, C, 1, W)
        return x * gate


class CoordinateAttentionY(StripMixing):
    """
    Gate every channel along its rows only: the Y attention of coordinate attention.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W.
    Math    y[n,c,h,w] = x[n,c,h,w] * a[n,c,h], with
            a = sigmoid(conv_h(hardswish(BN(conv1(mean_W(x)))))).
    Cost    2 C M + 3 M + C parameters and 2 C M H multiply-accumulates,
            with M = max(8, C // reduction).
    Source  Hou, Zhou, Feng, CVPR 2021, arXiv:2103.02907, Table 1, "Y Attention"; the authors give
            no code for it, so the parts are those of their whole block.
    Export  One mean over one axis and one product that broadcasts over it.
    """

    def __init__(self, channels: int, *, reduction: int = 32) -> None:
        super().__init__(channels, reduction)
        self.conv_h = nn.Conv2d(self.hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        rows = x.mean(dim=3, keepdim=True)
        gate: Tensor = self.conv_h(self.mixed(rows)).sigmoid()  # (N, C, H, 1)
        return x * gate
