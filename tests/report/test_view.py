"""Preparation: the tree, its sums, the margins, and numbers as text."""

import math
from dataclasses import replace

import pytest

from attnbench.records import BlockTime, Case, Residual
from attnbench.report import units, view
from attnbench.report.margins import margin, worst
from attnbench.store import Run, from_json, to_json
from tests.report import invented

RUN = invented.run()


@pytest.mark.parametrize("m", RUN.measurements[:2], ids=lambda m: m.engine)
def test_no_nanosecond_is_lost_in_sums_and_parts(m):
    recorded = sum(block.ns for block in m.blocks)
    total = view.sums(m)
    assert total.attention_ns + total.backbone_ns == recorded
    assert total.total_ns == recorded + m.residual.total
    assert sum(p.backbone_ns + p.attention_ns for p in view.parts(m)) == recorded
    assert sum(p.attention_ns for p in view.parts(m)) == total.attention_ns
    assert total.attention_share == pytest.approx(
        sum(block.share for block in m.blocks if block.kind == "attention")
    )


def test_refused_attribution_has_neither_sums_nor_rows():
    refused = RUN.measurements[2]
    assert view.sums(refused) is None
    assert view.block_rows(refused) == ()


def test_tree_counts_blocks_around_on_dot_boundaries():
    paths = ("a", "a.b", "ab", "a.b.c.d", "")
    blocks = tuple(BlockTime(path, "backbone", 5000, 0.2, 0) for path in paths)
    rows = view.block_rows(replace(RUN.measurements[0], blocks=blocks))
    assert [row.depth for row in rows] == [0, 1, 0, 2, 0]
    assert rows[-1].name == "(model)"


def test_attention_belongs_to_the_nearest_backbone_block():
    blocks = (
        BlockTime("a", "backbone", 1, 0.1),
        BlockTime("a.b", "backbone", 2, 0.2),
        BlockTime("a.b.att", "attention", 4, 0.3),
        BlockTime("a.b.att.conv", "attention", 8, 0.3),
        BlockTime("alone", "attention", 16, 0.1),
    )
    parts = view.parts(replace(RUN.measurements[0], blocks=blocks))
    assert [(p.name, p.backbone_ns, p.attention_ns) for p in parts] == [
        ("a", 1, 0),
        ("a.b", 2, 12),
        ("alone", 0, 16),
    ]


def test_time_below_the_step_of_the_clock_is_no_number():
    rows = {row.path: row.text for row in view.block_rows(RUN.measurements[1])}
    assert rows[""] == "< 1 µs"
    assert float(rows["stem"]) > 0


def test_labels_tell_measurements_apart():
    m = RUN.measurements[0]
    other = replace(m, device=replace(m.device, name="pi"))
    assert [c.label for c in view.columns(Run("", (m, other)))] == ["onnx host", "onnx pi"]
    assert [c.label for c in view.columns(Run("", (m, m)))] == ["onnx #1", "onnx #2"]


@pytest.mark.parametrize(("closure", "good"), [(1.02, True), (0.98, True), (1.021, False)])
def test_the_band_includes_its_ends(closure, good):
    assert view.closes(closure) is good


def test_zero_total_has_zero_shares():
    m = replace(RUN.measurements[0], blocks=(), residual=Residual())
    assert view.sums(m).attention_share == 0


@pytest.mark.parametrize(
    ("metric", "unit", "value", "limit", "better", "ratio"),
    [
        ("max_error", "of range", 1e-7, 8e-7, "lower", 0.125),
        ("snr", "dB", 120.0, 100.0, "higher", 0.1),
        ("snr", "dB", 80.0, 100.0, "higher", 10.0),
        ("snr", "dB", math.inf, 100.0, "higher", 0.0),
        ("cosine", "", 1 - 1e-8, 1 - 1e-6, "higher", 0.1),
        ("cosine", "", 1 + 1e-16, 1 - 1e-6, "higher", 0.0),
        ("top1", "", 0.0, 1.0, "higher", None),
    ],
)
def test_margins_are_ratios_of_amplitudes(metric, unit, value, limit, better, ratio):
    one = margin(invented.case("natural", metric, unit, value, limit, better))
    assert one.ratio == (None if ratio is None else pytest.approx(ratio))


def test_not_a_number_is_the_worst_case():
    found = {m.case.metric: m for m in worst(RUN.verdicts[2])}
    assert found["snr"].case == invented.nan_case()
    assert (found["snr"].value, found["snr"].text) == ("not a number", "fails")


def test_an_exact_match_survives_the_store():
    exact = Case("natural", "snr", "dB", math.inf, 100.0, "higher", passed=True)
    stored = from_json(to_json(exact), Case, "test")
    assert stored.value is None
    for case in (exact, stored):
        assert (margin(case).ratio, margin(case).value, margin(case).text) == (0, "∞ dB", "exact")


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (4_190_000, "4.19 ms"),
        (57_340, "57.3 µs"),
        (999_499, "999 µs"),
        (999_500, "1.00 ms"),
        (412, "412 ns"),
        (2_000_000_000, "2.00 s"),
        (0, "0 ns"),
        (41_960_000, "42.0 ms"),
    ],
)
def test_durations_have_three_digits_and_a_unit(ns, text):
    assert units.duration(ns) == text


def test_spans_have_one_unit():
    assert units.span(980_000, 1_020_000) == "0.98 to 1.02 ms"
    assert units.span(4_150_000, 4_260_000) == "4.15 to 4.26 ms"


@pytest.mark.parametrize(
    ("ratio", "text"), [(8.44, "8.4×"), (119.7, "120×"), (12_345, "1.2e+04×"), (math.inf, "∞×")]
)
def test_factors(ratio, text):
    assert units.times(ratio) == text
