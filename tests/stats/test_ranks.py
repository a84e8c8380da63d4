"""Rank correlation, against its formula for values without ties."""

import pytest

from attnbench.stats.ranks import rank_correlation, ranks


def test_it_is_spearmans_formula():
    a, b = [1.0, 5.0, 2.0, 9.0, 7.0], [10.0, 30.0, 40.0, 80.0, 50.0]
    squares = sum((x - y) ** 2 for x, y in zip(ranks(a), ranks(b), strict=True))
    rho, p = rank_correlation(a, b)
    assert rho == pytest.approx(1 - 6 * squares / (5 * 24))
    assert 0 < p < 1


def test_order_alone_counts():
    assert rank_correlation([1, 2, 3], [1, 10, 100])[0] == pytest.approx(1)
    assert rank_correlation([1, 2, 3], [9, 8, -7])[0] == pytest.approx(-1)


def test_its_p_is_that_of_all_orders():
    assert rank_correlation([1, 2, 3, 4, 5], [1, 2, 3, 4, 9])[1] == pytest.approx(2 / 120)
    assert rank_correlation([1, 2, 3], [3, 2, 1])[1] == pytest.approx(2 / 6)


def test_many_points_take_some_of_the_orders():
    points = list(range(12))
    assert rank_correlation(points, points)[1] < 0.001
    assert rank_correlation(points, [5, 2, 9, 0, 7, 4, 11, 1, 8, 3, 10, 6])[1] > 0.1


def test_where_there_is_nothing_to_rank_there_is_no_number():
    assert rank_correlation([1, 2], [1, 2]) is None
    assert rank_correlation([1, 1, 1], [1, 2, 3]) is None


def test_ties_share_their_place():
    assert ranks([5.0, 1.0, 5.0]) == [2.5, 1.0, 2.5]
