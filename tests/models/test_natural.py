"""Whether the synthetic images have the statistics that they claim."""

import numpy as np
import pytest
import torch

from attnbench_models.natural import natural_images


@pytest.mark.parametrize("size", [(64, 64), (48, 80), (33, 47)])
def test_each_image_is_standardised(size):
    images = natural_images(3, size, 0)
    assert (images.shape, images.dtype) == ((3, 3, *size), torch.float32)
    assert images.mean((1, 2, 3)).abs().max() < 1e-6
    assert (images.std((1, 2, 3), correction=0) - 1).abs().max() < 1e-5


def test_amplitude_falls_as_one_over_f():
    images = natural_images(16, (128, 128), 0).double()
    amplitude = torch.fft.fft2(images).abs().mean((0, 1)).numpy()
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    inside = (f > 0.02) & (f < 0.45)
    slope, _ = np.polyfit(np.log(f[inside]), np.log(amplitude[inside]), 1)
    assert slope == pytest.approx(-1, abs=0.02)


def test_colour_channels_correlate():
    images = natural_images(32, (64, 64), 0).numpy()
    correlations = np.mean([np.corrcoef(i.reshape(3, -1)) for i in images], axis=0)
    assert correlations[np.triu_indices(3, 1)] == pytest.approx(0.9, abs=0.03)


def test_seed_decides_and_nothing_else():
    torch.manual_seed(1)
    first, state = natural_images(2, (16, 24), 5), torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(natural_images(2, (16, 24), 5), first)
    assert not torch.equal(natural_images(2, (16, 24), 6), first)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)


def test_one_pixel_is_an_image_too():
    assert natural_images(1, (1, 1), 0).isfinite().all()
