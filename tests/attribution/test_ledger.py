"""What profiling added is taken off, and never more than an event has."""

import pytest

from attnbench.attribution.conserve import shares
from attnbench.attribution.ledger import Ledger, Profiler, ledgers, mean_gap_ns
from attnbench.attribution.places import Located, Place, block_of, residual
from attnbench.errors import AttributionError
from attnbench.records import Block, Event, Launch, Operator, Trace

BLOCKS = (Block("f.3", "backbone"), Block("f.3.attention", "attention"), Block("f", "backbone"))
KERNEL, LOG, DELEGATE = (
    Operator("conv", "conv"),
    Operator("profiler", "profiler", "profiler"),
    Operator("call", "call", "delegate"),
)


def trace_of(*events, operators=(KERNEL, LOG, DELEGATE), read_ns=0):
    return Trace("some", 1, operators, (tuple(Event(*e) for e in events),), clock_read_ns=read_ns)


@pytest.mark.parametrize(
    ("path", "block"),
    [
        ("f.3.attention.conv", "f.3.attention"),
        ("f.3.attention", "f.3.attention"),
        ("f.3", "f.3"),
        ("f.30.attention", "f"),
        ("f.3.attentional", "f.3"),
        ("g", ""),
        ("", ""),
    ],
)
def test_the_deepest_block_on_a_dot_boundary_owns(path, block):
    assert block_of(path, BLOCKS) == Place(block)


def test_an_unknown_path_is_unattributed():
    assert block_of(None, BLOCKS) == residual("unattributed")


def test_a_gap_that_the_system_used_does_not_count():
    events = [Event(0, start, 10) for start in (0, 12, 24, 36, 48, 1060)]  # the last gap is 1002
    assert mean_gap_ns(events) == 2


def test_the_gap_share_of_every_event_is_taken_off_but_never_more_than_it_has():
    located = Located((Place("a"), Place("b"), Place("a")))
    trace = trace_of((0, 0, 100), (0, 140, 10), (0, 190, 100))
    (book,) = ledgers(trace, located, Profiler(gap_share=0.5))
    assert book.spent == {Place("a"): 160, Place("b"): 0}
    assert book.overhead_ns == 20 + 10 + 20


def test_a_clock_reading_is_taken_off_where_the_interval_holds_one():
    trace = trace_of((0, 0, 100), (0, 100, 50), read_ns=7)
    located = Located((Place("a"), Place("a")))
    (book,) = ledgers(trace, located, Profiler(reads_clock=True))
    assert (book.total, book.overhead_ns) == (136, 14)


def test_a_delegates_own_time_is_the_runtimes_and_its_log_is_overhead():
    runtime = residual("runtime")
    trace = trace_of((0, 10, 50), (0, 60, 20), (1, 90, 5), (2, 0, 100))
    located = Located((Place("a"), Place("b"), runtime, runtime))
    (book,) = ledgers(trace, located, Profiler(encloses=True))
    assert book.spent[Place("a")] == 50
    assert book.spent[Place("b")] == 20
    assert book.spent[runtime] == 100 - 50 - 20 - 5
    assert book.overhead_ns == 5


def launch(plain, traced):
    return Launch("some", "1", {}, 1, (0,), 1, 1, (), plain, traced, 1, (), ())


def test_bursts_and_drift_do_not_reach_the_closure():
    plain = [100 + i for i in range(20)]  # the clock slows down
    spent = [round(0.99 * ns) for ns in plain]
    plain[3], spent[7] = 1000, 900  # something else ran
    books = [Ledger({Place("a"): ns}, 0.0) for ns in spent]
    said = shares(books, launch(tuple(plain), tuple(spent)))
    assert said.closure == pytest.approx(0.99, abs=0.005)


def test_a_trace_of_another_number_of_inferences_is_refused():
    with pytest.raises(AttributionError, match="1 traced inferences, 2 plain"):
        shares([Ledger({}, 0.0)], launch((1, 1), (1, 1)))
