"""PyTorch with its sums in other orders."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from attnbench.pipeline.reordered import OneAfterTheOther, channels_last, if_it_can, reordered
from tests.slices import coord

MAPS = torch.full((1, 4, 32, 32), 0.1) * torch.arange(1, 5)[:, None, None]
MEANS = {
    "of each map": lambda x: x.mean((2, 3)),
    "of each map, axes kept": lambda x: x.mean((-1, -2), keepdim=True),
    "pooled": lambda x: F.adaptive_avg_pool2d(x, 1),
    "of each row": lambda x: x.mean(3),
    "of all": lambda x: x.mean(),
}


def one_by_one(terms):
    """Their mean, added up in float32."""
    total = np.float32(0)
    for term in terms:
        total += term
    return total / np.float32(len(terms))


def test_a_mean_of_equal_numbers_drifts_as_it_does_where_terms_are_added_in_turn():
    with torch.inference_mode(), OneAfterTheOther():
        got = MAPS.mean((2, 3))[0]
    assert got.tolist() == [one_by_one(channel.ravel()) for channel in MAPS[0].numpy()]
    assert (got - MAPS[0, :, 0, 0]).abs().max() > 1e-6  # PyTorch's own order has next to no error


@pytest.mark.parametrize("mean", MEANS.values(), ids=MEANS)
def test_every_mean_keeps_its_shape_and_its_value_but_for_rounding(mean):
    x = torch.rand(2, 3, 16, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        plain = mean(x)
        with OneAfterTheOther():
            got, exact = mean(x), mean(x.double())
    assert got.shape == plain.shape
    assert torch.allclose(got, plain, rtol=1e-5, atol=0)
    assert torch.equal(exact, mean(x.double()))  # float64 is left as it is


def test_a_model_that_needs_its_rows_in_a_view_has_no_other_order():
    x = torch.rand(1, 3, 8, 8)
    assert if_it_can(lambda: {"": channels_last(x).view(-1)}) == {}
    module = reordered(coord().eval())
    with torch.inference_mode():
        assert set(if_it_can(lambda: {"": module(channels_last(x))})) == {""}
