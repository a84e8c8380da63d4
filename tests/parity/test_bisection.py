import math

import pytest

from attnbench.parity.bisection import first_wrong

COUNTS = (0, 1, 2, 3, 7, 8, 35, 100)


@pytest.mark.parametrize("count", COUNTS)
def test_it_finds_the_first_of_a_row(count):
    for first in range(count + 1):
        asked = []

        def right(at, first=first, asked=asked):
            asked.append(at)
            return at < first

        assert first_wrong(right, count) == first
        assert len(asked) == len(set(asked)) <= math.ceil(math.log2(count + 1))


def test_where_errors_come_and_go_it_is_a_wrong_one_after_a_right_one():
    row = [True, False, True, True, False, False, True, False]
    found = first_wrong(row.__getitem__, len(row))
    assert not row[found]
    assert row[found - 1]
