"""Intervals from one dependent series: do they cover as often as they say?"""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from attnbench.stats.bootstrap import block_length, stationary_interval

SERIES, COUNT = 40, 600


def wandering(memory, count, rng):
    """A stationary AR(1) process of deviation 1."""
    values = rng.normal(size=count)
    for i in range(1, count):
        values[i] = memory * values[i - 1] + math.sqrt(1 - memory**2) * values[i]
    return values


def high(values):
    return float(np.quantile(values, 0.9))


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.8])
def test_the_interval_of_the_ninetieth_percentile_covers_it(memory):
    rng = np.random.default_rng(31)
    ends = [stationary_interval(wandering(memory, COUNT, rng), high) for _ in range(SERIES)]
    hits = sum(low <= norm.ppf(0.9) <= top for low, top in ends)
    assert binomtest(hits, SERIES).proportion_ci(0.99, "exact").high >= 0.95, hits


def test_taking_neighbours_for_independent_would_not():
    """What the blocks are for: the same bootstrap of values one by one."""
    rng, hits = np.random.default_rng(32), 0
    for _ in range(SERIES):
        values = wandering(0.8, COUNT, rng)
        low, top = stationary_interval(rng.permutation(values), high)
        hits += low <= norm.ppf(0.9) <= top
    assert binomtest(hits, SERIES).proportion_ci(0.99, "exact").high < 0.95, hits


def test_blocks_grow_with_the_memory():
    rng = np.random.default_rng(33)
    lengths = [block_length(wandering(memory, 2000, rng)) for memory in (0.0, 0.5, 0.9)]
    assert lengths == sorted(lengths)
    assert lengths[0] < 3
    assert lengths[2] > 15


def test_the_length_is_the_published_one():
    """For AR(1) what is estimated has a closed form: G and g(0) of Politis & White 2004."""
    memory, count = 0.5, 200_000
    slope = 2 * memory / (1 - memory) ** 2
    level = (1 + memory) / (1 - memory)
    exact = math.cbrt(count * (slope / level) ** 2)
    found = block_length(wandering(memory, count, np.random.default_rng(34)))
    assert found == pytest.approx(exact, rel=0.1)


def test_a_series_that_does_not_vary():
    assert block_length([3.0] * 50) == 1
    assert stationary_interval([3.0] * 50, high) == (3.0, 3.0)
