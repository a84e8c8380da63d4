"""Charts of what attention costs, on invented times whose truth is known."""

import json
import re
from dataclasses import replace

import plotly.graph_objects
import pytest

from attnbench.pipeline.cost import roofed
from attnbench.report import html, write_report
from attnbench.report.cost_charts import portions, roofline, ways
from attnbench.store import Run
from tests.pipeline.test_cost import FOOTPRINTS, PEAKS, found
from tests.report.browser import needs_chromium
from tests.report.invented import WHEN

COST = roofed(found(20_000), PEAKS)
REFUSED = replace(COST, attribution=None, gap=None, agree=None, blocks=(), shifts=())


def trace(chart, name):
    return next(one for one in chart.spec["data"] if one.get("name") == name)


@pytest.mark.parametrize("draw", [ways, portions, roofline])
def test_plotly_knows_every_property(draw):
    painted = re.sub(r"var\(--[a-z-]+\)", "#123456", json.dumps(draw(COST, "x").spec))
    plotly.graph_objects.Figure(json.loads(painted))


def test_both_ways_and_their_gap_have_their_intervals():
    (marks,) = ways(COST, "x").spec["data"]
    for x, more, one in zip(
        marks["x"],
        marks["error_x"]["array"],
        (COST.ablation, COST.attribution, COST.gap),
        strict=True,
    ):
        assert x == one.ns / 1e6
        assert more == pytest.approx((one.high_ns - one.ns) / 1e6)
    assert marks["marker"]["symbol"] == ["circle", "circle", "x"]  # they differ
    (alone,) = ways(REFUSED, "x").spec["data"]
    assert len(alone["x"]) == 1


def test_attention_on_paper_and_in_fact():
    bars = trace(portions(COST, "x"), "attention")["x"]
    macs = [one.macs for one in FOOTPRINTS[:-1]]
    assert bars[0] == pytest.approx((macs[1] + macs[3]) / sum(macs) * 100)
    assert bars[-1] == pytest.approx(60_000 / 210_000 * 100, rel=0.01)


def test_a_block_is_where_its_macs_bytes_and_time_put_it_and_below_the_roof():
    chart = roofline(COST, "x")
    marks = trace(chart, "backbone")
    assert marks["x"][0] == pytest.approx(2 * 900_000 / 8000)
    assert marks["y"][0] == pytest.approx(2 * 900_000 / 100_000, rel=0.01)
    roof = trace(chart, "roof")
    assert roof["x"][1] == PEAKS.fp32_gflop_s / PEAKS.gb_s
    assert roof["y"][1:] == [PEAKS.fp32_gflop_s] * 2
    assert roof["y"][0] == pytest.approx(PEAKS.gb_s * roof["x"][0])


def test_without_peaks_there_are_blocks_and_no_roof_and_without_blocks_nothing():
    bare = roofline(replace(COST, ceiling=None, no_ceiling="nobody measured"), "x")
    assert [one["name"] for one in bare.spec["data"]] == ["attention", "backbone"]
    assert "no roof" in bare.words
    assert roofline(REFUSED, "x") is None
    assert portions(REFUSED, "x") is None


def test_the_page_holds_the_comparison_that_the_cost_is_made_of():
    page = html.render(Run(WHEN, costs=(COST,)))
    for name in ("ways-0", "portions-0", "roofline-0", "ratios-0", "rounds-0", "tree-onnx-0-1"):
        assert f'class="chart" id="{name}"' in page


@needs_chromium
@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_of_a_cost_in_a_browser(browser, tmp_path, width):
    page = write_report(Run(WHEN, costs=(COST,)), tmp_path, "page")["html"]
    browser.open(page.as_uri(), width)
    assert browser.errors == []
    assert browser.requests == [page.as_uri()]
    assert browser.eval("document.documentElement.scrollWidth") <= width
    assert browser.eval("document.querySelectorAll('#roofline-0 .points path').length") == 4
