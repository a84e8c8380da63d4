"""The tree of where time goes: nothing lost, everything inside what it belongs to, in order."""

import json
import re
from dataclasses import replace

import plotly.graph_objects
import pytest

from attnbench.records import BlockTime, OperatorTime, Residual
from attnbench.report import html, view
from attnbench.report.icicle import icicles, places
from attnbench.report.tree import RESIDUAL, ROOT, block_id, tree
from tests.report import invented
from tests.report.browser import needs_chromium

RUN = invented.run()
COLUMNS = view.columns(RUN)


def nodes(column):
    return {node.id: node for node in tree(column)}


@pytest.mark.parametrize("column", COLUMNS[:2], ids=lambda column: column.label)
@pytest.mark.parametrize("traced", [True, False])
def test_every_part_is_the_sum_of_its_parts_and_the_whole_is_the_record(column, traced):
    m = column.measurement if traced else replace(column.measurement, operators=())
    found = nodes(replace(column, measurement=m))
    assert found[ROOT].ns == sum(b.ns for b in m.blocks) + m.residual.total
    for node in found.values():
        inside = [one.ns for one in found.values() if one.parent == node.id]
        assert node.ns >= sum(inside)
        assert not (traced and inside) or node.ns == sum(inside)
        assert node.parent in found or node.id == ROOT
    assert len([one for one in found if one.startswith("operator")]) == (
        len([one for one in m.operators if one.ns])
    )


def test_attention_is_inside_of_its_block_and_operators_inside_of_it():
    found = nodes(COLUMNS[0])
    inner = found[block_id("features.3.attention")]
    assert inner.parent == block_id("features.3")
    assert inner.label == inner.fill == "attention"
    kinds = [one.label for one in found.values() if one.parent == inner.id]
    assert sorted(kinds) == ["Conv", "Mul", "Relu"]
    own = next(b.ns for b in COLUMNS[0].measurement.blocks if b.path == "features.3.attention")
    assert inner.ns == own


def test_siblings_come_in_the_order_in_which_they_ran_and_residual_last():
    blocks = (BlockTime("a", "backbone", 30, 0.5), BlockTime("a.x", "attention", 20, 0.3))
    ran = (
        OperatorTime("first", "Conv (NHWC)", "a", None, 10),
        OperatorTime("reorder", "Reorder", None, "layout", 10),
        OperatorTime("second", "Mul", "a.x", None, 20),
        OperatorTime("third", "Add", "a", None, 20),
    )
    m = replace(COLUMNS[0].measurement, blocks=blocks, residual=Residual(10), operators=ran)
    found = tree(view.Column("some", m))
    assert [one.label for one in found if one.parent == block_id("a")] == ["Conv", "x", "Add"]
    assert [one.id for one in found if one.parent == ROOT] == [block_id("a"), RESIDUAL]


def test_refused_attribution_has_no_tree():
    assert tree(COLUMNS[2]) == ()
    assert len(icicles(COLUMNS, "tree")) == 2


def test_every_block_can_be_chosen():
    offered = places(COLUMNS)
    assert next(iter(offered)) == ROOT
    assert {block_id(b.path) for b in COLUMNS[0].measurement.blocks} <= set(offered)


def test_what_takes_no_time_cannot_be_chosen():
    m = COLUMNS[0].measurement
    idle = BlockTime("idle", "backbone", 0, 0.0)
    column = replace(COLUMNS[0], measurement=replace(m, blocks=(*m.blocks, idle)))
    assert block_id("idle") not in places([column])
    still = replace(m, residual=Residual(), operators=())
    assert RESIDUAL not in places([replace(COLUMNS[0], measurement=still)])


def test_plotly_knows_every_property():
    for chart in icicles(COLUMNS, "tree"):
        painted = re.sub(r"var\(--[a-z-]+\)", "#123456", json.dumps(chart.spec))
        plotly.graph_objects.Figure(json.loads(painted))  # raises ValueError for one it does not


@pytest.fixture
def page(browser, tmp_path):
    (tmp_path / "page.html").write_text(html.render(RUN))
    browser.open((tmp_path / "page.html").as_uri(), 1280)
    return browser


def shown(page, at):
    """Labels of the parts that are drawn, and the height of the largest."""
    return page.eval(
        f"[...document.querySelectorAll('#tree-{at} .trace.icicle .slice .surface')]"
        ".map(e => e.__data__.data.data.label)"
    )


def height(page, at):
    return page.eval(
        f"document.querySelector('#tree-{at} .trace.icicle').getBoundingClientRect().height"
    )


@needs_chromium
def test_choosing_a_block_shows_it_in_all_panels_on_one_scale(page):
    ratio = height(page, 1) / height(page, 0)
    whole = [nodes(column)[ROOT].ns for column in COLUMNS[:2]]
    assert ratio == pytest.approx(whole[1] / whole[0], abs=0.02)
    page.eval(
        "(() => { const list = document.querySelector('[data-trees]');"
        "list.value = 'block features.3'; list.dispatchEvent(new Event('change')); })()"
    )
    for at in range(2):
        assert set(shown(page, at)) >= {"features.3", "attention", "Conv", "Mul"}
        assert "features.4" not in shown(page, at)
    assert page.errors == []


@needs_chromium
def test_selecting_a_block_in_one_panel_selects_it_in_all(page):
    page.eval(
        "document.getElementById('tree-1').emit('plotly_icicleclick', {nextLevel: 'block stem'})"
    )
    assert page.eval("document.querySelector('[data-trees]').value") == "block stem"
    assert "stem" in shown(page, 0)
    assert "features.3" not in shown(page, 0)
