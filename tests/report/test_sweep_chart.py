"""The charts and the sheet of a sweep, on invented times."""

import csv
import io
import json
import re
from dataclasses import replace

import plotly.graph_objects
import pytest

from attnbench.records import Interval
from attnbench.records.papers import PaperTable
from attnbench.records.sweeps import Cell, Failed, RankCorrelation, Setup, Sweep
from attnbench.report import html, sheets, write_report
from attnbench.report.sweep_chart import sweep_charts
from attnbench.store import Run
from attnbench_models import Recipe
from tests.report import invented
from tests.report.browser import needs_chromium

SETUPS = (Setup("onnx", 1), Setup("onnx", 4, "big", (4, 5, 6, 7)))
BLOCKS = ("none", "se", "cbam", "coord")


def cell(setup, block, width, at):
    recipe = Recipe(block=block, width=width)
    median = round(4_000_000 * width * (1 + at / 5) / setup.threads)
    m = replace(
        invented.measurement("onnx", 1.0, invented.Residual(), 1.0),
        latency_ns=Interval(median, median - 50_000, median + 90_000),
    )
    return Cell(recipe, setup, 3_000_000 + at, round(3e8 * width) + at * 1_000_000, m)


def sweep():
    """Four blocks at two widths in two setups; the last one could not be exported."""
    cells = [
        cell(setup, block, width, at)
        for setup in SETUPS
        for width in (0.5, 1.0)
        for at, block in enumerate(BLOCKS)
    ]
    refused = Failed("onnx refuses it", "report it", 4)
    cells[-1] = replace(cells[-1], measurement=None, failed=refused)
    found = (RankCorrelation(SETUPS[0], 8, 0.93, 0.002),)
    return Sweep(invented.DEVICE, "monotonic", 8, 1, (invented.WHEN,), tuple(cells), found, "x")


SWEEP = sweep()
RUN = Run(invented.WHEN, sweeps=(SWEEP,))


def test_every_model_that_was_measured_has_its_mark():
    one, four = sweep_charts(SWEEP, "sweep-0")
    assert [trace["name"] for trace in one.spec["data"]] == list(BLOCKS)
    assert [len(trace["x"]) for trace in one.spec["data"]] == [2, 2, 2, 2]
    assert [len(trace["x"]) for trace in four.spec["data"]] == [2, 2, 2, 1]
    assert (one.spec["data"][1]["x"][0], one.spec["data"][1]["y"][0]) == (151.0, 2.4)
    assert one.spec["data"][1]["error_y"]["array"][0] == pytest.approx(0.09)
    assert one.title == "onnx, 1 thread: 8 models, rank correlation 0.93"
    assert four.title == "onnx, 4 threads, big: 7 models, 1 without a number"


def test_blocks_look_alike_in_every_setup_and_unlike_each_other():
    looks = [
        [(t["marker"]["symbol"], t["marker"]["color"]) for t in chart.spec["data"]]
        for chart in sweep_charts(SWEEP, "sweep-0")
    ]
    assert looks[0] == looks[1]
    assert len(set(looks[0])) == len(BLOCKS)


def test_plotly_knows_every_property():
    for chart in sweep_charts(SWEEP, "sweep-0"):
        painted = re.sub(r"var\(--[a-z0-9-]+\)", "#123456", json.dumps(chart.spec))
        plotly.graph_objects.Figure(json.loads(painted))


def test_a_sweep_has_a_sheet_with_what_failed():
    rows = list(csv.DictReader(io.StringIO(sheets.sheets(RUN)["sweep"], newline="")))
    assert len(rows) == len(SWEEP.cells)
    assert rows[0]["median_ns"] == str(SWEEP.cells[0].measurement.latency_ns.median)
    assert (rows[-1]["median_ns"], rows[-1]["failed"]) == ("", "onnx refuses it")


@needs_chromium
@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_of_a_sweep_in_a_browser(browser, tmp_path, width):
    page = write_report(RUN, tmp_path, "page")["html"]
    browser.open(page.as_uri(), width)
    assert browser.errors == []
    assert browser.requests == [page.as_uri()]
    assert browser.eval("document.documentElement.scrollWidth") <= width
    assert browser.eval("document.querySelectorAll('#sweep-0-0 .points path').length") == 8
    fill = "getComputedStyle(document.querySelector('#sweep-0-0 .points path')).fill"
    assert browser.eval(fill) == "rgb(0, 114, 178)"


def test_the_sweep_behind_a_published_table_is_shown_like_any_other():
    table = PaperTable("t", "Table", "somewhere", (), invented.DEVICE, SWEEP)
    run = Run(invented.WHEN, tables=(table, replace(table, sweep=None)))
    assert 'id="sweep-0-1"' in html.render(run)
    assert "sweep" in sheets.sheets(run)


def test_without_any_measurement_there_is_no_chart():
    refused = tuple(replace(one, measurement=None) for one in SWEEP.cells)
    page = html.render(Run(invented.WHEN, sweeps=(replace(SWEEP, cells=refused),)))
    assert 'id="sweep-0-0"' not in page
