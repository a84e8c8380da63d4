"""The small models that faults are put into: 64 by 64 pixels, a few blocks each."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attnbench_models import Recipe, create_block
from attnbench_models.backbones.layers import conv_norm, initialise
from attnbench_models.backbones.mobilenetv2 import InvertedResidual
from attnbench_models.backbones.seaformer.segmentation import Fusion, resized
from attnbench_models.backbones.seaformer.trunk import Mixer
from attnbench_models.places import Place

SIZE = (64, 64)


def _sea(place: Place) -> nn.Module:
    return create_block("sea", place.channels, heads=2, key_dim=8)


class SeaSlice(nn.Module):
    """SeaFormer in small: a stem, two residuals, a mixer, a fusion with the finer map, a resize."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_norm(3, 16, 3, stride=2, activation=nn.ReLU)
        self.fine = InvertedResidual(16, 24, stride=2, expansion=2, activation=nn.ReLU)
        self.coarse = InvertedResidual(24, 32, stride=2, expansion=2, activation=nn.ReLU)
        self.mixer = Mixer(32, 2, 0, _sea)
        self.fusion = Fusion(24, 32, 24)
        self.classifier = nn.Conv2d(24, 6, 1)
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.fine(self.stem(x))
        fused = self.fusion(fine, self.mixer(self.coarse(fine)))
        return resized(self.classifier(fused), x.shape[2:])


class Complement(nn.Module):
    """A gate with a subtraction, whose operands a converter may swap."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * (torch.sigmoid(self.conv(x)) - x.mean((2, 3), keepdim=True))


SUBJECTS = {
    "mobilenetv2": "tests.slices:coord",
    "mobilenetv2-minus": "tests.mutation.subjects:minus",
    "seaformer": "tests.mutation.subjects:SeaSlice",
}


def minus() -> nn.Module:
    from tests.slices import with_block

    return with_block(Complement)


def recipe(subject: str, seed: int = 0) -> Recipe:
    return Recipe(model=SUBJECTS[subject], size=SIZE, seed=seed)
