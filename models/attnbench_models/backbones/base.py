"""What every backbone is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

from torch import Tensor, nn

from attnbench_models.layout import Layout
from attnbench_models.places import Home


class Backbone(nn.Module):
    """
    A whole model with places for attention, called with `attention` and `num_classes`.

    One that scales also takes a `width`.

    `HOMES` says for a block's name, or else for its kind, which places it takes and with which
    options. The constructor offers every place that there is to `attention`.
    """

    HOMES: ClassVar[Mapping[str, Home]]

    @abstractmethod
    def block_paths(self) -> Iterator[tuple[str, str]]:
        """The paths that latency and cost are told by, in forward order, each with its kind."""

    def layouts(self) -> tuple[Layout, ...]:
        """How the authors' code, and others', name this model's weights."""
        return ()


class Chain(Backbone):
    """
    A classifier that calls its `PARTS` one after the other.

    Its `features`, if it has any, are units in a row, and told apart; a unit keeps its attention
    under a name of `PLACES`.

    Shape   x (N, 3, H, W) -> logits (N, num_classes).
    """

    PARTS: ClassVar[tuple[str, ...]] = ("stem", "features", "head")
    PLACES: ClassVar[tuple[str, ...]] = ("attention",)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, num_classes)."""
        for part in self.PARTS:
            x = self.get_submodule(part)(x)
        return x

    def block_paths(self) -> Iterator[tuple[str, str]]:
        """See Backbone."""
        for part in self.PARTS:
            if part != "features":
                yield part, "backbone"
                continue
            for name, unit in self.get_submodule(part).named_children():
                yield f"{part}.{name}", "backbone"
                for place in self.PLACES:
                    if getattr(unit, place) is not None:
                        yield f"{part}.{name}.{place}", "attention"
