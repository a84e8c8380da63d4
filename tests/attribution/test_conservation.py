"""No nanosecond is lost between a runtime's events and the blocks, on recorded traces."""

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest

from attnbench.attribution.conserve import combine, shares
from attnbench.attribution.ledger import PROFILERS, Profiler, ledgers
from attnbench.attribution.operators import spots
from attnbench.attribution.places import Place, residual
from attnbench.attribution.runtimes import runtime
from attnbench.errors import AttributionError
from attnbench.records import Event, Operator
from tests.attribution.record import FOLDER, replayed

RECORDINGS = sorted(FOLDER.glob("*.json"))


@pytest.fixture(params=RECORDINGS, ids=lambda path: path.stem)
def recording(request, tmp_path):
    return replayed(request.param, tmp_path)


def artifact_of(recording):
    return SimpleNamespace(scopes=recording.scopes, blocks=recording.blocks)


def located(recording, **changes):
    trace = replace(recording.trace, **changes)
    return runtime(trace.engine).locate(trace, artifact_of(recording))


def kernel_ns(trace, iteration):
    return sum(e.ns for e in iteration if trace.operators[e.operator].level == "operator")


def test_all_three_runtimes_are_recorded():
    assert {path.name.partition("-")[0] for path in RECORDINGS} == set(PROFILERS)


def test_every_operator_has_a_proven_place(recording):
    places = located(recording).places
    assert len(places) == len(recording.trace.iterations[0])
    assert residual("unattributed") not in places


def test_every_block_is_there_and_attention_costs_something(recording):
    spent = Counter()
    for book in ledgers(recording.trace, located(recording), PROFILERS[recording.trace.engine]):
        spent.update(book.spent)
    for block in recording.blocks:
        assert spent[Place(block.path)] > 0, block.path


def test_what_is_not_spent_is_overhead(recording):
    trace, place = recording.trace, located(recording)
    for profiler in (Profiler(), Profiler(gap_share=0.5), Profiler(reads_clock=True)):
        for book, iteration in zip(ledgers(trace, place, profiler), trace.iterations, strict=True):
            assert book.total + book.overhead_ns == pytest.approx(kernel_ns(trace, iteration))


def test_what_encloses_the_kernels_is_conserved_where_it_is_reliable(recording):
    trace = recording.trace
    if not PROFILERS[trace.engine].encloses:
        assert trace.engine in ("onnxruntime", "litert")  # theirs hold the profiler's own work
        return
    books = ledgers(trace, located(recording), PROFILERS[trace.engine])
    for book, iteration in zip(books, trace.iterations, strict=True):
        whole = [e.ns for e in iteration if trace.operators[e.operator].level == "model"]
        assert book.total + book.overhead_ns == pytest.approx(sum(whole), rel=1e-9)


def test_blocks_and_residual_add_up_to_the_closure(recording):
    trace = recording.trace
    books = ledgers(trace, located(recording), PROFILERS[trace.engine])
    said = shares(books, recording.launch, spots(trace, located(recording)))
    told = combine([said], recording.blocks, 1, len(trace.iterations))
    total = sum(block.ns for block in told.blocks) + told.residual.total
    for block in told.blocks:
        own = [one.ns for one in told.operators if one.block == block.path]
        assert sum(own) == pytest.approx(block.ns, abs=len(own))
    assert sum(one.ns for one in told.operators if one.residual) == pytest.approx(
        told.residual.total, abs=len(told.operators)
    )
    assert told.closure == pytest.approx(total / told.paired.plain_ns)
    assert told.closure == pytest.approx(said.closure, rel=1e-4)
    assert sum(b.share for b in told.blocks) == pytest.approx(
        1 - told.residual.total / total, abs=1e-9
    )
    assert 0.9 < told.closure < 1.15  # four inferences, no calibration: the order of magnitude


def test_a_trace_with_one_kernel_more_is_refused(recording):
    trace = recording.trace
    operators = (*trace.operators, Operator("Nobody knows", "Nobody knows"))
    extra = Event(len(operators) - 1, 0, 5)
    iterations = tuple((extra, *iteration) for iteration in trace.iterations)
    with pytest.raises(AttributionError):
        located(recording, operators=operators, iterations=iterations)


def test_a_trace_with_one_kernel_less_is_refused_or_still_proved(recording):
    """XNNPACK's mandatory operators must all report; ONNX Runtime's are joined one by one."""
    trace = recording.trace
    at = next(
        i for i, e in enumerate(trace.iterations[0]) if "Conv" in trace.operators[e.operator].kind
    )
    iterations = tuple(it[:at] + it[at + 1 :] for it in trace.iterations)
    if trace.engine == "onnxruntime":
        assert len(located(recording, iterations=iterations).places) == len(iterations[0])
    else:
        with pytest.raises(AttributionError, match="cannot be aligned"):
            located(recording, iterations=iterations)


def test_inferences_that_differ_are_refused(recording):
    first, *rest = recording.trace.iterations
    with pytest.raises(AttributionError, match="different sequences"):
        located(recording, iterations=(first[1:], *rest))


def test_onnxruntime_without_its_graph_is_refused(recording):
    if recording.trace.engine == "onnxruntime":
        with pytest.raises(AttributionError, match="without the optimised graph"):
            located(recording, graph=None)
    else:
        assert located(recording, graph=None) == located(recording)
