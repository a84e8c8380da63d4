"""Models whose errors do not stay, as `Recipe(model="tests.pipeline.skipping:squashing")`."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Squash(nn.Module):
    """Saturates on every input here, whatever error there is in it."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.clamp(x, 50.0, 60.0)


class Add(nn.Module):
    """A fusion: two inputs of one shape."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.scale(x) + y


class Squashing(nn.Module):
    """first -> squash -> middle, and what first returned is added only in the end."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1))
        self.squash = Squash()
        self.middle = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1))
        self.fuse = Add()

    def forward(self, x: Tensor) -> Tensor:
        kept = self.first(x)
        return self.fuse(self.middle(self.squash(kept)), kept)


class Outside(nn.Module):
    """Something is computed between two blocks, by the model itself."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1))
        self.second = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return self.second(0.5 - self.first(x))


class After(Outside):
    """The model itself has the last word."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 - self.second(self.first(x))


squashing, outside, after = Squashing, Outside, After
