"""The README's commands, typed one after the other in an empty folder, on a small input."""

from __future__ import annotations

import json
import re

import pytest

from tests.e2e.newcomer import Newcomer, code_blocks

pytestmark = pytest.mark.slow

RUNTIMES = ["onnx", "tflite", "executorch"]
SMALL = "--size 64"
QUICK = "--launches 2 --iterations 5"


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory) -> Newcomer:
    root = tmp_path_factory.mktemp("newcomer")
    for name in ("folder", "home"):
        (root / name).mkdir()
    return Newcomer(root / "folder", root / "home")


@pytest.fixture(scope="module")
def ran(newcomer):
    return newcomer.types(f"attnbench run --block coord {SMALL} {QUICK}")


def test_run_ends_well_and_says_where_everything_is(ran, newcomer):
    assert ran.code == 0, ran.err
    for word in ("features.1.attention", *RUNTIMES):
        assert word in ran.out
    assert "coreml" in ran.err  # passed over, in one line
    pages = {path.suffix for path in (newcomer.folder / "reports" / "runs").iterdir()}
    assert {".json", ".html", ".md"} <= pages
    suffixes = {path.suffix for path in (newcomer.folder / "artifacts").iterdir()}
    assert {".onnx", ".tflite", ".pte", ".mlpackage", ".safetensors"} <= suffixes


def test_the_page_needs_no_network(ran, newcomer):
    (page,) = (newcomer.folder / "reports" / "runs").glob("*.html")
    text = re.sub(r"<script.*?</script>", "", page.read_text(), flags=re.DOTALL)
    assert "features.1.attention" in text
    assert 'src="http' not in text
    assert 'href="http' not in text


def test_nothing_is_left_in_the_home_but_the_cache(ran, newcomer):
    assert [path.name for path in newcomer.home.iterdir()] == [".cache"]


def test_exporting_the_same_again_is_from_the_cache(ran, newcomer):
    again = newcomer.types(f"attnbench export --block coord {SMALL} --json")
    assert again.code == 0, again.err
    made = again.document["artifacts"]
    assert [one["backend"] for one in made] == [*RUNTIMES, "coreml"]
    assert all((newcomer.folder / one["path"]).exists() for one in made)
    assert again.err.count("cached") == 4


def test_profile_takes_what_was_exported_last(ran, newcomer):
    done = newcomer.types(f"attnbench profile --device host {QUICK} --json")
    assert done.code == 0, done.err
    assert "taking what was exported last" in done.err
    found = done.document["measurements"]
    assert [one["artifact"]["backend"] for one in found] == RUNTIMES
    for one in found:
        assert one["device"]["name"] == "host"
        assert len(one["runs"]) == 2
        assert any(block["kind"] == "attention" for block in one["blocks"])


def test_parity_takes_it_too_and_passes(ran, newcomer):
    done = newcomer.types("attnbench parity --json --junit parity.xml --markdown parity.md")
    assert done.code == 0, done.err
    assert done.document["verdict"] == "pass"
    assert {one["verdict"] for one in done.document["artifacts"]} == {"pass"}
    assert "<testsuite" in (newcomer.folder / "parity.xml").read_text()
    assert "cosine" in (newcomer.folder / "parity.md").read_text()


def test_report_shows_the_newest_run_again(ran, newcomer):
    told = newcomer.types("attnbench report")
    assert told.code == 0, told.err
    assert "features.1.attention" in told.out
    assert newcomer.types("attnbench report --json").document["measurements"]


def test_a_block_of_ones_own(newcomer):
    (own,) = [code for code in code_blocks("python") if "class MyAttention" in code]
    (newcomer.folder / "my_block.py").write_text(own)
    line = f"attnbench run --block ./my_block.py:MyAttention --to onnx {SMALL} {QUICK} --json"
    done = newcomer.types(line)
    assert done.code == 0, done.err
    assert done.document["verdict"] == "pass"
    (one,) = done.document["measurements"]
    attention = [block for block in one["blocks"] if block["kind"] == "attention"]
    assert len(attention) == 16
    assert sum(block["ns"] for block in attention) > 0


def test_a_changed_artifact_is_refused(ran, newcomer):
    (model,) = (newcomer.folder / "artifacts").glob("mobilenetv2-coord-*.onnx")
    changed = newcomer.folder / "changed.onnx"
    changed.write_bytes(model.read_bytes()[:-1])
    manifest = model.with_name(f"{model.name}.json").read_text()
    changed.with_name("changed.onnx.json").write_text(manifest)
    done = newcomer.types("attnbench profile changed.onnx")
    assert done.code == 2
    assert "has changed since its export" in done.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("attnbench run --block cord", "did you mean 'coord'"),
        ("attnbench prfile", "did you mean 'profile'"),
        ("attnbench profile nowhere.onnx", "nowhere.onnx does not exist"),
        ("attnbench run --block ./nowhere.py:Block", "nowhere.py"),
    ],
)
def test_a_mistake_is_told_in_a_line_and_ends_with_2(newcomer, line, words):
    done = newcomer.types(line)
    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err
    assert not done.out


def test_doctor_is_content(newcomer):
    done = newcomer.types("attnbench doctor --json")
    assert done.code == 0, done.out
    assert all(one["ok"] for one in json.loads(done.out)["checks"])
