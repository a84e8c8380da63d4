"""What multi-scale channel attention and the two attentional fusions score elements by."""

from __future__ import annotations

from torch import Tensor, nn


class ChannelContext(nn.Module):
    """
    Score every element by the channels of its own pixel and by the channels' means over all pixels.

    Shape   x (N, C, H, W) -> scores of any sign (N, C, H, W); any H and W.
    Math    local(x) + whole(mean_HW(x)), each BN(conv1x1(relu(BN(conv1x1)))) with `hidden` channels
            in between; the second, (N, C, 1, 1), is added to every pixel.
    Source  Dai et al., WACV 2021, arXiv:2009.14082, equations 1 to 3.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.local = _pointwise(channels, hidden)
        self.whole = _pointwise(channels, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        scores: Tensor = self.local(x) + self.whole(x.mean(dim=(2, 3), keepdim=True))
        return scores


def authors_names(path: str, suffix: str = "") -> dict[str, str]:
    """Our prefixes to the authors', for the context at `path`: their `whole` begins with a pool."""
    whole = {f"{path}.whole.{i}": f"global_att{suffix}.{i + 1}" for i in range(5)}
    return {f"{path}.local": f"local_att{suffix}"} | whole


def _pointwise(channels: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, hidden, 1),
        nn.BatchNorm2d(hidden),
        nn.ReLU(),
        nn.Conv2d(hidden, channels, 1),
        nn.BatchNorm2d(channels),
    )
