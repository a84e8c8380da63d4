"""Finding the first of a row that is wrong."""

from __future__ import annotations

from collections.abc import Callable


def first_wrong(right: Callable[[int], bool], count: int) -> int:
    """
    The first index that is not right, after about log2(count) questions; `count` if all are.

    Holds where everything after a wrong one is wrong too. Otherwise it is one that is wrong, with
    a right one before it.
    """
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if right(middle):
            low = middle + 1
        else:
            high = middle
    return low
