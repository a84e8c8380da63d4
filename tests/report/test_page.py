"""The HTML page: by parsing it, and in a real browser."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import plotly.graph_objects
import pytest

from attnbench.records import BlockTime
from attnbench.report import html, write_report
from attnbench.store import Run
from tests.report import invented
from tests.report.browser import needs_chromium

RUN = invented.run()

HOSTILE = "\"'></script><script>document.title='owned'</script><b>&amp;{{x}}"


def hostile_run():
    m = RUN.measurements[0]
    path = BlockTime(HOSTILE, "attention", 70_000, 0.1)
    verdict = RUN.verdicts[0]
    case = replace(verdict.cases[0], input=HOSTILE)
    return replace(
        RUN,
        measurements=(replace(m, blocks=(path, *m.blocks)), *RUN.measurements[1:]),
        verdicts=(replace(verdict, cases=(case,)), *RUN.verdicts[1:]),
    )


class Tags(HTMLParser):
    """Start tags with their attributes, and the text outside of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    def specs(self, text):
        return json.loads(re.search(r'id="charts">(.*?)</script>', text, re.DOTALL)[1])


@pytest.fixture(scope="module")
def text():
    return html.render(RUN)


def test_the_page_refers_to_nothing_outside(text):
    parsed = Tags(text)
    assert parsed.open == []
    for tag, attrs in parsed.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")
        assert not {"src", "srcset", "action", "data"} & set(attrs)
        assert attrs.get("href", "#").startswith("#")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    assert not re.search(r"url\(|@import|@font-face", style)
    assert text.count("plotly.js v") == 1


def test_every_link_leads_to_one_place_and_no_name_is_given_twice(text):
    for page in (text, html.render(Run("", comparisons=(invented.comparison(),) * 2))):
        tags = [attrs for _, attrs in Tags(page).tags]
        names = [attrs["id"] for attrs in tags if "id" in attrs]
        assert len(set(names)) == len(names)
        links = [attrs["href"].removeprefix("#") for attrs in tags if "href" in attrs]
        assert links
        assert set(links) <= set(names)


def test_nothing_on_the_page_moves():
    style = re.search(r"<style>(.*?)</style>", html.render(Run("")), re.DOTALL)[1]
    assert not re.search(r"animation|transition|scroll-behavior", style)


def test_equal_runs_give_equal_pages(text):
    assert html.render(invented.run()) == text


def test_plotly_knows_every_property_of_the_charts(text):
    specs = Tags(text).specs(text)
    assert list(specs) == [
        *("share", "closure", "tree-0", "tree-1", "blocks-0", "blocks-1"),
        *("samples-0", "samples-1", "samples-2", "parity"),
    ]
    painted = re.sub(r"var\(--[a-z-]+\)", "#123456", json.dumps(specs))
    for spec in json.loads(painted).values():
        plotly.graph_objects.Figure(spec)  # raises ValueError for a property it does not know


def test_bars_add_up_to_the_records(text):
    for at, m in enumerate(RUN.measurements[:2]):
        bars = [t for t in Tags(text).specs(text)[f"blocks-{at}"]["data"] if t["type"] == "bar"]
        drawn = sum(sum(trace["x"]) for trace in bars) * 1e6
        assert drawn == pytest.approx(sum(b.ns for b in m.blocks) + m.residual.total)


def test_hostile_names_are_text():
    page = html.render(hostile_run())
    scripts = [tag for tag, _ in Tags(page).tags if tag == "script"]
    assert len(scripts) == 3
    assert HOSTILE in "".join(Tags(page).words)


def test_half_a_run_has_half_a_page():
    for run in (Run(""), replace(RUN, measurements=()), replace(RUN, verdicts=())):
        parsed = Tags(html.render(run))
        assert parsed.open == []
        assert any(a.get("id") == "parity" for _, a in parsed.tags) is bool(run.verdicts)


def test_report_is_written_in_both_forms(tmp_path):
    paths = write_report(RUN, tmp_path, "page")
    assert paths == {"html": tmp_path / "page.html", "md": tmp_path / "page.md"}
    assert all(path.stat().st_size > 1000 for path in paths.values())


def luminance(colour):
    """Relative luminance by WCAG 2.2 of a colour such as #0072b2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_what_it_is_on(text, scheme):
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#\w{6})", part))
        for part in (style.partition("@media")[0], style.partition("@media")[2].partition("}")[0])
    )
    colours = light | dark if scheme else light
    assert not scheme or colours["page"] != light["page"]
    for ink, ground in (
        *(("ink", one) for one in ("page", "card", "band", "grid", "bad-soft", "warn-soft")),
        *(("muted", one) for one in ("page", "card")),
        *((f"on-{one}", one) for one in ("attention", "backbone", "residual")),
        *(("bad", "card"), ("bad", "bad-soft"), ("warn", "warn-soft"), ("link", "page")),
    ):
        pair = sorted((luminance(colours[ink]), luminance(colours[ground])))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, (ink, ground)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    return write_report(RUN, tmp_path_factory.mktemp("page"), "page")["html"].as_uri()


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_page_in_a_browser(browser, address, tmp_path, width, scheme):
    browser.open(address, width, scheme=scheme)
    assert browser.errors == []
    assert browser.requests == [address]
    assert browser.eval("innerWidth") == width
    assert browser.eval("document.documentElement.scrollWidth") <= width
    # 20 rows of blocks and 3 or 2 of residual, of which each is in all three stacked traces.
    assert browser.eval("document.querySelectorAll('#blocks-0 .bars .point').length") == 3 * 23
    assert browser.eval("document.querySelectorAll('#blocks-1 .bars .point').length") == 3 * 22
    assert browser.eval("document.querySelectorAll('#share .bars .point').length") == 2 * 3
    assert browser.eval("document.querySelectorAll('#closure .points path').length") == 2
    assert browser.eval("document.querySelectorAll('#parity .points path').length") == 36
    picture = tmp_path / "page.png"
    browser.screenshot(picture)
    assert picture.stat().st_size > 50_000


@needs_chromium
def test_no_chart_is_wider_than_its_place_or_loses_its_names(browser, address):
    browser.open(address, 390)
    assert browser.eval(
        "[...document.querySelectorAll('.chart')].every(e => e.scrollWidth <= e.clientWidth)"
    )
    assert browser.eval(
        "[...document.querySelectorAll('.chart .ytick text')].every(t => "
        "t.getBoundingClientRect().left >= t.closest('.chart').getBoundingClientRect().left - 1)"
    )


@needs_chromium
def test_dark_and_light_differ_in_charts_too(browser, address):
    colours = set()
    for scheme in ("light", "dark"):
        browser.open(address, 1280, scheme=scheme)
        colours.add(browser.eval("document.querySelector('#share .main-svg').style.background"))
    assert len(colours) == 2


def press(browser, key, code):
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code)


@needs_chromium
def test_everything_that_can_be_used_is_reached_with_the_keyboard(browser, address):
    browser.open(address, 390)
    wanted = browser.eval(
        "[...document.querySelectorAll('a, select, .scroll')].map(e => e.localName)"
    )
    reached = []
    for _ in wanted:
        press(browser, "Tab", 9)
        reached.append(browser.eval("document.activeElement.localName"))
        assert browser.eval("document.activeElement.matches(':focus-visible')")
    assert reached == wanted
    assert {"a", "select", "div"} == set(reached)


@needs_chromium
def test_the_browser_refuses_whatever_a_script_would_ask_for(browser, address):
    browser.open(address, 1280)
    browser.eval("void fetch('http://127.0.0.1:9/x').catch(() => {})")
    browser.eval("void (new Image().src = 'http://127.0.0.1:9/x.png')")
    while len(browser.errors) < 2:
        browser.eval("document.title")  # what the browser says comes before its answers
    refused = [entry["text"] for entry in browser.errors]
    for url in ("http://127.0.0.1:9/x'", "http://127.0.0.1:9/x.png'"):
        assert any(url in text and "has been blocked" in text for text in refused)


@needs_chromium
def test_a_block_is_chosen_with_the_keyboard(browser, address):
    browser.open(address, 1280)
    browser.eval("document.querySelector('select').focus()")
    press(browser, "ArrowDown", 40)
    second = browser.eval("document.querySelector('select').options[1].value")
    assert browser.eval("document.getElementById('tree-0').data[0].level") == second


@needs_chromium
def test_hostile_names_stay_text_in_a_browser(browser, tmp_path):
    browser.open(write_report(hostile_run(), tmp_path, "hostile")["html"].as_uri(), 1280)
    assert browser.errors == []
    assert browser.eval("document.title") == "attnbench: mobilenetv2-coord"
    drawn = browser.eval("document.querySelector('#blocks-0 .ytick text').textContent")
    assert drawn == HOSTILE
    chosen = browser.eval(
        "(() => { const list = document.querySelector('select'); list.selectedIndex = 1;"
        "list.dispatchEvent(new Event('change')); return list.value; })()"
    )
    assert chosen == f"block {HOSTILE}"
    shown = browser.eval("document.querySelector('#tree-0 .slice text').textContent")
    assert shown.startswith(HOSTILE)
