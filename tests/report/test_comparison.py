"""A comparison in every form: what was found, how sure that is, and what could have been."""

import math
from dataclasses import replace
from statistics import fmean, median

import plotly.graph_objects
import pytest

from attnbench.records import Comparison, Finding, Measurement, Validity
from attnbench.report import comparison as comparison_report
from attnbench.report import documents, html, markdown, write_report
from attnbench.report.comparison_chart import ratios
from attnbench.report.rounds_chart import round_chart, rounds
from attnbench.store import Run, Store, from_json, to_json
from tests.report.browser import needs_chromium
from tests.report.invented import WHEN, comparison, noise
from tests.report.test_text import printed


def forms(found):
    run = Run(WHEN, comparisons=(found,))
    return [printed(run, 140), markdown.render(run).replace("\\", ""), html.render(run)]


@pytest.mark.parametrize("form", range(3))
def test_every_form_says_it(form):
    text = " ".join(forms(comparison())[form].split())
    for words in (
        "slower than A, from +9",
        "95 % interval over 8 rounds",
        "This effort finds a difference of",
        "four times in five",
        "features.16.attention",
        "inference",
        "slower",
    ):
        assert words in text, words
    assert "instruction time" not in text


def test_alike_and_faster():
    assert "not distinguishable at this effort" in forms(comparison(1.0))[0]
    assert comparison(1.0).finding is Finding.NOT_DISTINGUISHABLE
    assert comparison(0.8).finding is Finding.FASTER
    assert "faster than A, from -20" in " ".join(forms(comparison(0.8))[0].split())


@pytest.mark.parametrize(
    ("factor", "limit", "outcome", "words"),
    [
        (1.1, None, None, "slower"),
        (1.1, 0.02, "fail", "✗ above the limit of 2.00%"),
        (1.1, 0.3, "pass", "below the limit of 30.00%"),
        (1.1, 0.1, "inconclusive", "inconclusive, take more rounds"),
    ],
)
def test_the_limit_is_held_against_the_whole_interval(factor, limit, outcome, words):
    found = comparison(factor, limit)
    assert found.outcome == outcome
    assert bool(found) is (outcome in (None, "pass"))
    assert words in " ".join(forms(found)[0].split())
    assert documents.compare_document([found])["verdict"] == outcome


def test_one_that_failed_decides_for_all():
    some = [comparison(1.1, limit) for limit in (0.3, 0.1, 0.02)]
    assert documents.worst(some) == "fail"
    assert documents.worst(some[:2]) == "inconclusive"
    assert documents.worst(some[:1]) == "pass"
    assert documents.worst([comparison()]) is None


def test_a_budget_that_was_spent_says_how_long_it_takes():
    found = comparison(detect=0.00001)
    assert found.rounds.needed > 8
    text = " ".join(forms(found)[0].split())
    assert f"takes {found.rounds.needed} rounds" in text
    assert "minutes: raise --budget" in text
    assert "as was asked for: 90 %" in " ".join(forms(comparison(detect=0.9))[0].split())


def test_what_is_wrong_with_both_is_said_once():
    found = comparison()
    hot = Validity(ok=False, warnings=("the device says: throttled",))
    sides: list[Measurement] = [replace(m, validity=hot) for m in found.measurements]
    text = " ".join(forms(replace(found, measurements=tuple(sides)))[0].split())
    assert text.count("throttled") == 1
    assert "warning: onnx A and B: the device says: throttled" in text


def test_a_comparison_is_stored_and_read_again(tmp_path):
    run = Run(WHEN, comparisons=(comparison(limit=0.05, detect=0.03),))
    store = Store(tmp_path)
    assert store.load(store.add(run)) == run
    (found,) = run.comparisons
    assert from_json(to_json(found), Comparison, "here") == found
    assert len(found.blocks[0].a_launches_ns) == 2 * len(found.rounds.orders)


def test_a_block_that_only_one_has_is_not_tested():
    found = comparison()
    assert all(row.finding for row in found.blocks if row.time.ratio)
    believed = [row for row in found.blocks if row.finding is Finding.SLOWER]
    assert all(row.time.low > 1 for row in believed)
    assert len(believed) >= len(found.blocks) - 3


def test_the_chart_has_a_row_for_the_whole_and_for_each_block():
    found = comparison(limit=0.05)
    chart = ratios(found, 0)
    plotly.graph_objects.Figure(chart.spec)  # refuses properties that there are not
    rows = [at for marks in chart.spec["data"] for at in marks["y"]]
    assert sorted(rows) == list(range(1 + sum(row.finding is not None for row in found.blocks)))
    assert [shape["x0"] for shape in chart.spec["layout"]["shapes"]] == [1.0, 1.05]
    (whole,) = [
        x
        for marks in chart.spec["data"]
        for x, at in zip(marks["x"], marks["y"], strict=True)
        if not at
    ]
    assert whole == found.whole.ratio
    assert 'id="ratios-0"' in html.render(Run(WHEN, comparisons=(found,)))
    assert ratios(replace(found, rounds=None), 0) is None


def test_rounds_come_in_their_order_with_the_launches_that_were_theirs():
    found = comparison(limit=0.05)
    a, b = ([median(run) for run in m.runs] for m in found.measurements)
    first, second, *_ = rounds(found)
    assert (first.order, second.order) == ("ABBA", "BAAB")
    assert first.times_ns == (a[0], b[0], b[1], a[1])
    assert second.times_ns == (b[2], a[2], a[3], b[3])
    assert first.ratio == pytest.approx(math.sqrt(b[0] * b[1] / a[0] / a[1]))
    assert math.exp(fmean(math.log(one.ratio) for one in rounds(found))) == pytest.approx(
        found.whole.ratio, rel=1e-3
    )


def test_the_chart_of_rounds_has_every_launch_and_every_round():
    found = comparison(limit=0.05)
    chart = round_chart(found, "rounds-0")
    plotly.graph_objects.Figure(chart.spec)  # refuses properties that there are not
    marks = {trace["name"]: len(trace["x"]) for trace in chart.spec["data"]}
    assert marks == {"A": 16, "B": 16, "B / A": 8}
    assert "8 of 8 rounds" in chart.words
    low = [shape["y0"] for shape in chart.spec["layout"]["shapes"]]
    assert low == [1.0, 1.05, found.whole.low]
    assert round_chart(replace(found, rounds=None), "rounds-0") is None


def test_the_page_of_a_comparison_looks_into_both():
    page = html.render(Run(WHEN, comparisons=(comparison(),)))
    for name in ("ratios-0", "rounds-0", "tree-onnx-0-0", "tree-onnx-0-1", "samples-onnx-0-1"):
        assert f'class="chart" id="{name}"' in page
    assert "A mobilenetv2-coord" in page


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_of_a_comparison_in_a_browser(browser, tmp_path, width, scheme):
    page = write_report(Run(WHEN, comparisons=(comparison(limit=0.05),)), tmp_path, "page")["html"]
    browser.open(page.as_uri(), width, scheme=scheme)
    assert browser.errors == []
    assert browser.requests == [page.as_uri()]
    assert browser.eval("document.documentElement.scrollWidth") <= width
    assert browser.eval("document.querySelectorAll('#rounds-0 .points path').length") == 40


def test_noise_in_words():
    text = " ".join(comparison_report.noise_sentences(noise()))
    assert "2 false alarms in 40 experiments of 8 rounds (0.6 % to 17.0 %" in text
    assert "2 % in 1 minute, 0.9 % in 5 minutes, 0.45 % in 20 minutes" in text
