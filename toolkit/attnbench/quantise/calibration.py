"""The inputs that ranges of 8-bit numbers are taken from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from attnbench.parity.inputs import Images, image_inputs
from attnbench.records import TensorSpec
from attnbench_models.natural import natural_images

Samples = tuple[tuple[Tensor, ...], ...]
"""Calls of the model: of each the tensors that it takes."""

SAMPLES = 16
"""Images drawn where the user has none."""

SEED = 7919
"""Other images than those that parity judges on."""


def samples(specs: Sequence[TensorSpec], folder: Path | None) -> Samples:
    """
    Inputs for the specs: the user's images, resized and normalised, or natural-like ones.

    An input that is no batch of images has no such inputs: noise is what it gets. Raises BadInput.
    """
    if folder is not None:
        shown = image_inputs(Images(folder), specs[0])
        return tuple(tuple(map(torch.from_numpy, arrays)) for arrays in shown.values())
    return tuple(tuple(_drawn(spec, SEED + at) for spec in specs) for at in range(SAMPLES))


def _drawn(spec: TensorSpec, seed: int) -> Tensor:
    if len(spec.shape) == 4 and spec.shape[1] == 3:
        count, _, height, width = spec.shape
        return natural_images(count, (height, width), seed)
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(spec.shape, generator=generator) * 4 - 2
