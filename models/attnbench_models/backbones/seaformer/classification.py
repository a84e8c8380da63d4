"""SeaFormer as a classifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from torch import Tensor

from attnbench_models.backbones.base import Backbone
from attnbench_models.backbones.heads import Classifier
from attnbench_models.backbones.seaformer.trunk import HOMES, Trunk
from attnbench_models.backbones.seaformer.variants import VARIANTS
from attnbench_models.layout import Layout
from attnbench_models.places import Attention, Home, empty


class SeaFormer(Backbone):
    """
    SeaFormer, whose last map is averaged and classified.

    Shape   x (N, 3, H, W) -> logits (N, num_classes); any H and W.
    Cost    With sea and 1000 classes t has 1,781,096 parameters, s 4,105,656, b 8,742,664 and
            l 14,046,504; multiply-accumulates at 224 x 224 are 93,332,544, 177,451,712,
            315,160,320 and 1,161,219,520.
    Source  Wan et al., ICLR 2023, arXiv:2301.13156; sizes, and ReLU in the inverted residuals, as
            in the authors' code. A residual block goes where theirs is. A gate goes onto the
            expanded channels of the inverted residuals, which is our choice, and the place of
            theirs stays empty. Stochastic depth, a matter of training, is left out.
    """

    HOMES: ClassVar[Mapping[str, Home]] = HOMES

    def __init__(
        self, attention: Attention = empty, *, variant: str = "t", num_classes: int = 1000
    ) -> None:
        super().__init__()
        self.trunk = Trunk(VARIANTS[variant], attention)
        self.head = Classifier(VARIANTS[variant].stages[-1].channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, num_classes)."""
        logits: Tensor = self.head(self.trunk(x)[-1])
        return logits

    def block_paths(self) -> Iterator[tuple[str, str]]:
        """The paths that latency and cost are told by, in forward order, each with its kind."""
        for path, kind in self.trunk.block_paths():
            yield f"trunk.{path}", kind
        yield "head", "backbone"

    def layouts(self) -> tuple[Layout, ...]:
        """Of the authors' classification code; its trunk has no prefix."""
        return tuple(
            Layout(
                "fudan-zvg/SeaFormer seaformer-cls",
                {f"trunk.{ours}": theirs for ours, theirs in renames.items()}
                | {"head.linear": "linear"},
            )
            for renames in self.trunk.renames()
        )
