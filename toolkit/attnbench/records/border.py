"""How the inputs and outputs of a file that others made relate to those of its reference."""

from __future__ import annotations

from dataclasses import dataclass

Triple = tuple[float, float, float]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Pixels:
    """What a model takes for an image: (pixel / 255 - mean) / std of each channel, RGB or BGR."""

    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    bgr: bool = False


IMAGENET = Pixels()
"""What torchvision's models take."""


@dataclass(frozen=True, slots=True)
class Binding:
    """
    Where a tensor of the reference is in the file.

    `at` is its place among the file's inputs or outputs, `name` what the file calls it, `dtype`
    what it is there; with `channels_last` (N, C, H, W) is (N, H, W, C) there.
    """

    at: int
    name: str
    dtype: str
    channels_last: bool = False


@dataclass(frozen=True, slots=True)
class Border:
    """One binding for each input and output of the reference; what images are on either side."""

    inputs: tuple[Binding, ...]
    outputs: tuple[Binding, ...]
    reference: Pixels = IMAGENET
    file: Pixels = IMAGENET
