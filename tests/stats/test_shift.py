"""A shift with its interval: the test of ratios, on differences."""

import random
from itertools import combinations_with_replacement
from statistics import fmean, median

import pytest

from attnbench.stats.paired import ratio
from attnbench.stats.shift import shift


def test_it_is_the_test_of_ratios_on_differences():
    values = [3.0, -1.0, 4.0, 1.5, 5.0, 9.0, 2.6]
    found, same = shift(values), ratio(values)
    means = [fmean(pair) for pair in combinations_with_replacement(values, 2)]
    assert found.value == pytest.approx(median(means))
    assert found.p == same.p
    assert found.low < found.value < found.high


def test_it_goes_with_scale_and_sign():
    values = [3.0, -1.0, 4.0, 1.5, 5.0, 9.0, 2.6]
    large = shift([-1e7 * one for one in values])
    found = shift(values)
    assert large.value == pytest.approx(-1e7 * found.value)
    assert (large.low, large.high) == pytest.approx((-1e7 * found.high, -1e7 * found.low))


def test_zeros_are_zero_and_few_are_refused():
    assert shift([0.0] * 6).value == 0
    with pytest.raises(ValueError, match="5 blocks are too few"):
        shift([1.0] * 5)


def test_its_interval_holds_the_truth_as_often_as_it_says():
    draw = random.Random(7)
    held = 0
    for _ in range(1000):
        found = shift([draw.gauss(50, 20) for _ in range(8)])
        held += found.low <= 50 <= found.high
    assert held >= 945  # of 1000; 96.1 % is what eight values allow
