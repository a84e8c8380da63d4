"""Synthetic inputs that have a photograph's statistics, so that no photograph has to be shipped."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SHARED = 0.9  # of each colour channel's variance is luminance, common to all three


def natural_images(count: int, size: tuple[int, int], seed: int) -> Tensor:
    """
    Draw images whose amplitude spectrum falls as 1 / f and whose colour channels correlate at 0.9.

    Returns (count, 3, height, width) float32, each image of mean 0 and standard deviation 1. The
    same arguments give the same images, whatever the global random state.
    Source: Field, J. Opt. Soc. Am. A 4(12), 1987, for the spectrum.
    """
    height, width = size
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, 4, height, width, generator=generator, dtype=torch.float64)
    frequency = torch.hypot(
        torch.fft.fftfreq(height, dtype=torch.float64)[:, None],
        torch.fft.rfftfreq(width, dtype=torch.float64),
    )
    frequency[0, 0] = math.inf  # no constant part
    textures = _standardised(torch.fft.irfft2(torch.fft.rfft2(noise) / frequency, s=size), (2, 3))
    luminance, colours = textures[:, :1], textures[:, 1:]
    images = math.sqrt(SHARED) * luminance + math.sqrt(1 - SHARED) * colours
    return _standardised(images, (1, 2, 3)).float()


def _standardised(images: Tensor, dims: tuple[int, ...]) -> Tensor:
    spread, mean = torch.std_mean(images, dim=dims, correction=0, keepdim=True)
    return (images - mean) / spread.clamp_min(1e-12)  # an image of one pixel is black
