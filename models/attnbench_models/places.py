"""Where blocks go in a backbone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

from attnbench_models.recipe import Option


@dataclass(frozen=True, slots=True)
class Place:
    """
    One spot in a backbone that a block could take.

    `role` is what the spot is in its unit, in the backbone's own words ("expanded", "branch",
    "sum"); `channels` what a block there works on; `inputs` the channels that enter the unit;
    `stage` counts the backbone's stages from 0.
    """

    role: str
    channels: int
    inputs: int
    stage: int


Attention = Callable[[Place], "nn.Module | None"]
"""Fills a place, or leaves it empty. A backbone calls it once for every place that it has."""


def no_options(_: Place) -> Mapping[str, Option]:
    """Nothing but the block's own defaults."""
    return {}


def everywhere(_: Place) -> bool:
    """All places of the role."""
    return True


@dataclass(frozen=True, slots=True)
class Home:
    """Which places of a backbone a block takes, and the options that it has there."""

    role: str
    options: Callable[[Place], Mapping[str, Option]] = no_options
    where: Callable[[Place], bool] = everywhere

    def takes(self, place: Place) -> bool:
        """Whether the block goes there."""
        return place.role == self.role and self.where(place)


def empty(_: Place) -> None:
    """No attention anywhere."""


def always(**options: Option) -> Callable[[Place], Mapping[str, Option]]:
    """The same options at every place."""
    return lambda _: options


def depthwise_halves(place: Place) -> Mapping[str, Option]:
    """Of sk, which has a kernel for each half of the channels: one filter for every channel."""
    return {"groups": place.channels // 2}
