"""The height and width of the map at each place of a backbone, found by shapes alone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from attnbench_models.modes import evaluating
from attnbench_models.places import Attention, Place


class Witness(nn.Module):
    """Stands where a block will, hands its (first) input on and remembers how large it was."""

    size: tuple[int, int]

    def forward(self, x: Tensor, *_: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        height, width = x.shape[2:]
        self.size = (height, width)
        return x


def sizes_at(
    make: Callable[[Attention], nn.Module],
    takes: Callable[[Place], bool],
    size: tuple[int, int],
) -> list[tuple[int, int]]:
    """
    The (height, width) at every place that `takes` says yes to, in the order of the offers.

    `make` is called once, on the meta device, where tensors have shapes and nothing else: no
    number is computed and none is drawn. `size` is the model's input in pixels.
    """
    witnesses: list[Witness] = []

    def attention(place: Place) -> nn.Module | None:
        if not takes(place):
            return None
        witnesses.append(Witness())
        return witnesses[-1]

    with torch.device("meta"):
        model = make(attention)
        with evaluating(model):
            model(torch.empty(1, 3, *size))
    return [witness.size for witness in witnesses]
