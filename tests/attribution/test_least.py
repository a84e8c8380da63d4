"""Counts of instructions: interrupts add to some inferences, and the least has none of it."""

import pytest

from attnbench.attribution.least import least
from attnbench.errors import AttributionError
from attnbench.records import Event, Launch, Operator, Trace
from attnbench.stats import least_of

CONV, ADD = Operator("conv", "Conv"), Operator("add", "Add")


def launch(*plain):
    return Launch("litert", "1", {}, 1, (3,), 1, 1, (), plain, plain, 1, (), ())


def trace(*inferences):
    events = (tuple(Event(at, 1000 * at, ns) for at, ns in enumerate(one)) for one in inferences)
    return Trace("litert", 1, (CONV, ADD), tuple(events))


def test_an_interrupt_in_another_operator_each_time_is_in_none():
    quiet, seen = least(launch(330, 320, 310), trace((112, 200), (100, 215), (100, 200)))
    assert [event.ns for event in seen.iterations[0]] == [100, 200]
    assert len(seen.iterations) == 1
    assert (quiet.plain_ns, quiet.traced_ns) == ((310,), (310,))


def test_inferences_that_differ_are_refused():
    with pytest.raises(AttributionError, match="different sequences"):
        least(launch(1, 1), trace((1, 2), (1,)))


def test_the_least_of_all_launches_and_the_range():
    found = least_of([(5, 3, 4), (9, 6)])
    assert (found.median, found.low, found.high) == (3, 3, 9)
