"""What every backbone is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

from torch import nn

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
