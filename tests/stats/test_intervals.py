import numpy as np
import pytest

from attnbench.records import Interval
from attnbench.stats import FEWEST, median_interval, middle_half, over_launches


def test_interval_brackets_the_median_as_often_as_it_says():
    rng = np.random.default_rng(0)
    draws = np.round(rng.lognormal(size=(4000, 25)) * 1e6).astype(int)  # median 1e6, a long tail
    found = [median_interval([int(x) for x in draw]) for draw in draws]
    hits = sum(one.low <= 1e6 <= one.high for one in found)
    assert 0.95 <= hits / len(draws) < 0.98


@pytest.mark.parametrize(("n", "low", "high"), [(6, 0, 5), (10, 1, 8), (100, 39, 60)])
def test_interval_of_known_sizes(n, low, high):
    found = median_interval(range(n))
    assert (found.low, found.high) == (low, high)


def test_five_samples_are_too_few():
    with pytest.raises(ValueError, match="5 samples"):
        median_interval(range(5))


def test_launches_not_iterations_are_replicated():
    """A thousand equal iterations of one launch are one sample, however narrow they look."""
    runs = [[level] * 1000 for level in (10, 20, 30, 40, 50, 60)]
    assert over_launches(runs) == Interval(35, 10, 60)


def test_too_few_launches_give_their_range():
    assert over_launches([[10], [30], [20]]) == Interval(20, 10, 30)
    assert FEWEST == 6


@pytest.mark.parametrize(("n", "kept"), [(1, 1), (2, 2), (3, 3), (4, 2), (5, 3), (8, 4), (60, 30)])
def test_the_middle_half_is_never_empty(n, kept):
    values = [float(v) for v in range(n)][::-1]
    found = middle_half(values)
    assert len(found) == kept
    assert sorted(values[i] for i in found) == sorted(values)[(n - kept) // 2 : (n + kept + 1) // 2]
