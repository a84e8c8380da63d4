"""PyTorch with its sums in another order: channels last, which picks other kernels."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

MAP_RANK = 4


def reordered(module: nn.Module) -> nn.Module:
    """A copy of a module whose weights have their channels last."""
    return cast("nn.Module", channels_last(copy.deepcopy(module)))


def channels_last(one: object) -> object:
    """A module, or a tensor if it is a batch of maps, with its numbers in that order."""
    moves = isinstance(one, nn.Module) or (isinstance(one, Tensor) and one.ndim == MAP_RANK)
    return cast("Any", one).to(memory_format=torch.channels_last) if moves else one


def if_it_can(made: Callable[[], Mapping[str, Tensor]]) -> Mapping[str, Tensor]:
    """What was made with channels last; nothing of a module that asks for a view of its rows."""
    try:
        return made()
    except RuntimeError:
        return {}
