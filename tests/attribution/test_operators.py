"""Operators one by one: on the scale of the blocks, and only where launches ran the same ones."""

import pytest

from attnbench.attribution.conserve import combine, shares
from attnbench.attribution.ledger import Profiler, ledgers
from attnbench.attribution.operators import Spot, operator_times, spots
from attnbench.attribution.places import Located, Place, residual
from attnbench.records import Block, Event, Launch, Operator, Trace

CONV, MUL, CALL = (
    Operator("n0", "Conv"),
    Operator("n1", "Mul"),
    Operator("call", "call", "delegate"),
)
PLACES = (Place("a"), residual("layout"), Place("a"), residual("runtime"))
PLAIN = Profiler()


def trace(*times_ns):
    """Conv, Mul, Conv one after the other, and what encloses them."""
    first, second, third = times_ns
    events = (
        Event(0, 0, first),
        Event(1, first, second),
        Event(0, first + second, third),
        Event(2, 0, sum(times_ns)),
    )
    return Trace("some", 1, (CONV, MUL, CALL), (events,))


def said(found, profiler=PLAIN):
    located = Located(PLACES)
    total = sum(event.ns for event in found.iterations[0][:3])
    launch = Launch("some", "1", {}, 1, (0,), 1, 1, (), (total,), (total,), 1, (), ())
    return shares(ledgers(found, located, profiler), launch, spots(found, located))


def test_each_operator_is_told_in_its_order_and_what_only_encloses_is_not():
    told = combine([said(trace(100, 50, 30))], [Block("a", "backbone")], 1, 1)
    assert [(o.name, o.kind, o.block, o.residual, o.ns) for o in told.operators] == [
        ("n0", "Conv", "a", None, 100),
        ("n1", "Mul", None, "layout", 50),
        ("n0", "Conv", "a", None, 30),
    ]
    assert told.blocks[0].ns == 130


def test_launches_are_averaged_as_their_blocks_are():
    told = combine(
        [said(trace(100, 50, 50)), said(trace(120, 40, 40))], [Block("a", "backbone")], 1, 1
    )
    own = [o.ns for o in told.operators if o.block == "a"]
    assert sum(own) == pytest.approx(told.blocks[0].ns, abs=len(own))
    assert own[0] == 110


def test_what_encloses_is_told_where_its_own_time_is_known():
    found = trace(100, 50, 30)
    events = (*found.iterations[0][:3], Event(2, 0, 200))
    slow = Trace("some", 1, found.operators, (events,))
    told = combine([said(slow, Profiler(encloses=True))], [Block("a", "backbone")], 1, 1)
    assert told.operators[-1].kind == "call"
    assert told.operators[-1].residual == "runtime"
    assert told.residual.runtime == told.operators[-1].ns > 0


def test_of_launches_that_ran_different_operators_none_are_told():
    one, other = (Spot("x", kind, Place("a")) for kind in ("Conv", "Gemm"))
    renamed = Spot("y", "Conv", Place("a"))
    assert operator_times([((one,), (0.5,)), ((other,), (0.5,))], 100) == ()
    assert operator_times([((one,), (0.5,)), ((one, one), (0.5, 0.5))], 100) == ()
    assert [o.ns for o in operator_times([((one,), (0.4,)), ((renamed,), (0.6,))], 100)] == [50]
