"""Two ways to one cost, on INVENTED times: they agree, or it is said what else has changed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from attnbench.attribution.places import Place
from attnbench.pipeline.bench import Measured
from attnbench.pipeline.ceiling import on_roof
from attnbench.pipeline.compare import compare
from attnbench.pipeline.cost import attention_cost, roofed
from attnbench.pipeline.trial import Interleaved, Pair, Plan
from attnbench.records import INSTRUCTIONS, BlockTime, Interval, OperatorTime, Residual
from attnbench.records.costs import AttentionCost, Ceiling, Footprint
from attnbench.report import cost, documents, html, markdown
from attnbench.store import Run, Store
from tests.report.invented import WHEN, measurement
from tests.report.test_text import printed

ATTENTION = {"stage.attention": 40_000, "head.attention": 20_000}
BACKBONE = {"stage": 100_000, "head": 50_000}
FOOTPRINTS = tuple(
    Footprint(path, kind, 1000, macs, 8000, 4000)
    for path, kind, macs in (
        ("stage", "backbone", 900_000),
        ("stage.attention", "attention", 10_000),
        ("head", "backbone", 80_000),
        ("head.attention", "attention", 10_000),
        ("", "backbone", 1_000_000),
    )
)
PEAKS = Ceiling("neon", 1, 10.0, 4.0, "invented")


def side(times, layout, phase, *, hidden=0):
    """Sixteen launches that go up and down by half a percent; `hidden` is in no trace."""
    wobble = [1 + 0.005 * math.sin(phase * i) for i in range(16)]
    whole = sum(times.values()) + layout
    blocks = tuple(
        BlockTime(path, "attention" if path in ATTENTION else "backbone", ns, ns / whole)
        for path, ns in times.items()
    )
    operators = [OperatorTime("n", "Conv", path, None, ns) for path, ns in times.items()]
    operators += [OperatorTime("r", "Reorder", None, "layout", 10_000)] * (layout // 10_000)
    record = replace(
        measurement("onnx", 1.0, Residual(layout=layout), 1.0),
        blocks=blocks,
        runs=tuple((round(part * (whole + hidden)),) * 20 for part in wobble),
        latency_ns=Interval(whole + hidden, whole, 2 * whole),
        operators=tuple(operators),
    )
    places = {Place(path): float(ns) for path, ns in times.items()}
    places |= {Place(None, "layout"): float(layout)}
    seen = tuple({place: part * ns for place, ns in places.items()} for part in wobble)
    return Measured(record, seen)


def found(layout=0, *, stage=0, hidden=0) -> AttentionCost:
    a = side(BACKBONE, 10_000, 1.7)
    with_attention = {**BACKBONE, **ATTENTION, "stage": BACKBONE["stage"] + stage}
    b = side(with_attention, 10_000 + layout, 2.3, hidden=hidden)
    pair = Pair(a, b, Interleaved(Plan(seed=1), ("ABBA", "BAAB") * 4, 4.0))
    return attention_cost(pair, compare(pair), FOOTPRINTS[-1], FOOTPRINTS)


def test_two_ways_to_the_same_time_agree():
    one = found()
    assert one.ablation.ns == pytest.approx(60_000, rel=0.05)
    assert one.attribution.ns == pytest.approx(60_000, rel=0.01)
    assert one.agree
    assert one.gap.low_ns <= 0 <= one.gap.high_ns
    assert one.ablation.low_ns < one.ablation.ns < one.ablation.high_ns
    assert not [shift for shift in one.shifts if shift.believed]


def test_a_layout_that_changed_is_named_with_its_operators():
    one = found(layout=30_000)
    assert not one.agree
    assert one.gap.ns == pytest.approx(30_000, rel=0.1)
    (shift,) = [shift for shift in one.shifts if shift.believed]
    assert (shift.where, shift.residual) == ("layout", True)
    assert shift.change.ns == pytest.approx(30_000, rel=0.02)
    assert shift.operators == {"Reorder": 3}
    assert abs(one.rest.ns) < 3_000


def test_a_block_of_the_backbone_that_changed_is_named():
    one = found(stage=20_000)
    assert [shift.where for shift in one.shifts if shift.believed] == ["stage"]
    assert not one.agree


def test_what_is_in_no_trace_is_left_over():
    one = found(hidden=25_000)
    assert not one.agree
    assert one.rest.ns == pytest.approx(25_000, rel=0.1)
    assert not [shift for shift in one.shifts if shift.believed]


def test_every_block_has_its_time_and_its_paper():
    one = found()
    blocks = {block.path: block for block in one.blocks}
    assert list(blocks) == ["stage", "head", "stage.attention", "head.attention"]
    attention = blocks["stage.attention"]
    assert attention.time.ns == pytest.approx(40_000, rel=0.01)
    assert attention.time.low_ns < 40_000 < attention.time.high_ns
    assert attention.footprint == FOOTPRINTS[1]
    assert (attention.roof_ns, attention.bound) == (None, None)


def test_the_roof_is_the_longer_of_computing_and_moving():
    assert on_roof(FOOTPRINTS[0], PEAKS) == (180_000, "compute")  # 1.8 MFLOP at 10 a ns
    assert on_roof(FOOTPRINTS[1], PEAKS) == (2_000, "compute")
    assert on_roof(replace(FOOTPRINTS[1], traffic_bytes=10_000), PEAKS) == (2_500, "memory")
    (stage, *_), *_ = [roofed(found(), PEAKS).blocks]
    assert (stage.roof_ns, stage.bound) == (180_000, "compute")


def test_without_blocks_one_way_is_left():
    a, b = side(BACKBONE, 0, 1.7), side(BACKBONE | ATTENTION, 0, 2.3)
    b = Measured(replace(b.measurement, blocks=None, residual=None, refusal="why"))
    pair = Pair(a, b, Interleaved(Plan(seed=1), ("ABBA",) * 8, 4.0))
    one = attention_cost(pair, compare(pair), FOOTPRINTS[-1], FOOTPRINTS)
    assert one.ablation.ns == pytest.approx(60_000, rel=0.05)
    assert (one.attribution, one.gap, one.agree, one.blocks) == (None, None, None, ())
    assert "there is no second way" in " ".join(cost.sentences(one))


def test_instruction_time_needs_one_pair_and_has_no_intervals():
    sides = (side(BACKBONE, 0, 1.7), side(BACKBONE | ATTENTION, 0, 2.3))
    a, b = (Measured(replace(one.measurement, clock=INSTRUCTIONS)) for one in sides)
    one = attention_cost(Pair(a, b), compare(Pair(a, b)), FOOTPRINTS[-1], FOOTPRINTS)
    assert (one.ablation.ns, one.ablation.low_ns) == (60_000, None)
    assert (one.attribution.ns, one.gap.ns, one.agree) == (60_000, 0, True)
    assert "instruction time" in " ".join(cost.sentences(one))


def test_it_is_stored_and_read_again(tmp_path):
    run = Run(WHEN, costs=(roofed(found(layout=30_000), PEAKS),))
    store = Store(tmp_path)
    assert store.load(store.add(run)) == run
    assert documents.run_document(run)["costs"][0]["agree"] is False


@pytest.mark.parametrize("form", range(3))
def test_every_form_says_it(form):
    run = Run(WHEN, costs=(roofed(found(layout=30_000), PEAKS),))
    forms = [
        lambda: printed(run, 140),
        lambda: markdown.render(run).replace("\\", ""),
        lambda: html.render(run),
    ]
    text = " ".join(forms[form]().split())
    for words in (
        "attention costs 90",
        "✗ the two ways differ by 30",
        "layout +30.0 µs",
        "On paper attention is 2.0 % of the MACs",
        "+3 Reorder",
        "head.attention",
        "180 c",
    ):
        assert words in text, words
