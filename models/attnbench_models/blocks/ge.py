"""Gather-excite."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional

from attnbench_models.checks import at_least_one, height_and_width, one_of, power_of_two

FORMS = ("minus", "theta", "plus")


class GatherExcite(nn.Module):
    """
    Gather what surrounds every element, and gate the element by it.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W but where `size` is needed.
    Math    y = x * sigmoid(nearest(f(gather(x)))), brought back to H x W.
            `form` "minus" gathers by the mean, over everything or in windows of 2 e - 1 pixels, e
            apart, with `extent` e; "theta" by log2(e) strided 3x3 convolutions of each channel
            alone, BatchNorm after each and ReLU between, or over everything by one convolution as
            large as the map. In both f is nothing; "plus" is "theta" with f(t) = W2 relu(W1 t).
    Cost    0 parameters and 0 multiply-accumulates.
            Those are of the default, "minus" over everything. "theta" has (9 log2(e) + 2 log2(e)) C
            parameters, or (H W + 2) C over everything; f adds 2 C M + M + C, M = C // reduction.
    Source  Hu, Shen, Albanie, Sun, Vedaldi, NeurIPS 2018, arXiv:1810.12348, Section 3: GE with
            theta minus, theta and theta plus. No reference output of the authors' code exists to
            hold it to, only the formulas.
    Export  Over everything without parameters, one mean, one sigmoid and one product. A gate that
            has no parameters cannot be scaled: it spreads as much as the means do.
    """

    def __init__(
        self,
        channels: int,
        *,
        form: str = "minus",
        extent: int | None = None,
        reduction: int = 16,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        hidden = max(1, channels // at_least_one("reduction", reduction))
        self.extent = None if extent is None else power_of_two("extent", extent)
        self.gather: nn.Module | None = None
        if one_of("form", form, FORMS) != "minus":
            self.gather = nn.Sequential(OrderedDict(_gather(channels, self.extent, size)))
        self.excite = _perceptron(channels, hidden) if form == "plus" else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        gathered = self._mean(x) if self.gather is None else self.gather(x)
        scores = gathered if self.excite is None else self.excite(gathered)
        if self.extent is not None:
            scores = functional.interpolate(scores, size=x.shape[2:])
        return x * scores.sigmoid()

    def _mean(self, x: Tensor) -> Tensor:
        if self.extent is None:
            return x.mean(dim=(2, 3), keepdim=True)
        window = 2 * self.extent - 1
        return functional.avg_pool2d(
            x, window, self.extent, padding=window // 2, count_include_pad=False
        )


def _gather(
    channels: int, extent: int | None, size: tuple[int, int] | None
) -> Iterator[tuple[str, nn.Module]]:
    if extent is None:
        everything = height_and_width("size", size)
        yield "conv", nn.Conv2d(channels, channels, everything, groups=channels, bias=False)
        yield "norm", nn.BatchNorm2d(channels)
        return
    for step in range(extent.bit_length() - 1):
        if step > 0:
            yield f"act{step}", nn.ReLU()
        conv = nn.Conv2d(channels, channels, 3, 2, padding=1, groups=channels, bias=False)
        yield f"conv{step}", conv
        yield f"norm{step}", nn.BatchNorm2d(channels)


def _perceptron(channels: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, channels, 1))
