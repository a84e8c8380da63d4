"""Hardware counters of several launches as one."""

from types import SimpleNamespace

from attnbench.pipeline.counters import counters_of
from attnbench.records import Counters

GONE = "it counted for a part of the time only"


def launches(*read):
    return [SimpleNamespace(counters=one) for one in read]


def test_the_median_of_those_that_were_counted():
    found = counters_of(
        launches(
            Counters({"cycles": 10, "instructions": 30}),
            Counters({"instructions": 20}, {"cycles": GONE}),
            Counters({"cycles": 14, "instructions": 90}),
        )
    )
    assert found == Counters({"cycles": 12, "instructions": 30})


def test_what_none_has_is_unknown_for_its_reason():
    found = counters_of(launches(Counters({}, {"cycles": GONE}), Counters({}, {"cycles": GONE})))
    assert found == Counters({}, {"cycles": GONE})


def test_launches_that_read_none_have_none():
    assert counters_of(launches(None, None)) is None
