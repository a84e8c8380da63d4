"""The pages on devices cannot rot: what they tell people to type is understood."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.e2e.newcomer import ROOT, commands, parsed

PAGES = [ROOT / "docs" / name for name in ("pi.md", "pixel.md", "devices.md")]
FIRST_STEPS = PAGES[:2]


def typed(page):
    """Our own commands in shell blocks and in running text, whole ones only."""
    text = page.read_text()
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    inline = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]
    return [one for one in (*commands(page), *inline) if one.startswith("attnbench ")]


@pytest.mark.parametrize(
    ("page", "line"), [(page, line) for page in PAGES for line in typed(page)], ids=str
)
def test_every_command_is_understood(page, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, *words = shlex.split(line)
    # A page names commands in passing: those without arguments are only looked up.
    if len(words) > 1:
        assert parsed(words) is not None
    else:
        assert parsed([*words, "--device", "host"]) is not None


@pytest.mark.parametrize("page", FIRST_STEPS, ids=lambda page: page.stem)
def test_the_first_steps_lead_from_init_to_profile(page):
    lines = typed(page)
    order = ("attnbench device init", "attnbench doctor", "attnbench profile")
    firsts = [next(i for i, line in enumerate(lines) if line.startswith(one)) for one in order]
    assert firsts == sorted(firsts)


@pytest.mark.parametrize("page", FIRST_STEPS, ids=lambda page: page.stem)
def test_they_say_that_nobody_has_been_there(page):
    text = " ".join(page.read_text().split())
    assert re.search(r"Nobody has run this on a physical (Pi|phone) yet", text)
    assert "--bundle" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    assert not [one for one in links if "://" not in one and not (page.parent / one).exists()]
