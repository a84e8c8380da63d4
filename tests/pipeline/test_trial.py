"""Taking turns: which launch is which, when there is no time for another, and whose readings."""

import time
from dataclasses import replace

import pytest

from attnbench.pipeline.trial import Interleaved, Plan, Turns
from attnbench.records import Conditions, Reading
from attnbench.stats.paired import schedule

HERE = Conditions(0.1, 0.1, 4)


class Watched:
    """A watch that is told its readings: what one sees depends on the device."""

    def __init__(self) -> None:
        self.during: list[Reading] = []

    def conditions(self) -> Conditions:
        return replace(HERE, during=tuple(self.during))


def test_launches_are_put_where_they_were():
    turns = Interleaved(Plan(seed=1), ("BAAB", "ABBA"), 1.0)
    assert turns.in_rounds([1, 2, 3, 4], [10, 20, 30, 40]) == [[10, 1, 2, 20], [3, 30, 40, 4]]


def test_more_rounds_of_a_seed_begin_as_fewer_do():
    assert schedule(40, 9)[:12] == schedule(12, 9)


def test_readings_belong_to_the_side_that_was_launched():
    watch = Watched()
    turns = Turns({}, watch)
    seen = []
    for at, letter in enumerate("ABBA"):
        with turns.noting(letter):
            watch.during += [Reading(temperature_c=at)] * (2 if at == 1 else 1)
    for letter in "AB":
        readings = turns.seen(letter, watch.conditions()).during
        seen.append([one.temperature_c for one in readings])
    assert seen == [[0, 3], [1, 1, 2]]


@pytest.mark.parametrize(
    ("done", "budget_s", "late"), [(5, 0.1, False), (6, 12, True), (6, 20, False)]
)
def test_no_round_begins_that_would_end_beyond_the_budget(done, budget_s, late):
    turns = Turns({}, Watched(), orders=["ABBA"] * done)
    assert turns.late(time.monotonic() - 12, budget_s) is late
