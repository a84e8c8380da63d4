"""What attention costs and a sweep, as people type them: one small model, really launched."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from attnbench.cli import main
from tests.cli.conftest import SMALL

pytestmark = pytest.mark.slow

MODEL = (*SMALL, "--to", "onnx")


@pytest.fixture(scope="module")
def cost(cli, project):
    words = ("--block", "coord", *MODEL, "--rounds", "6", "--iterations", "3", "--no-peaks")
    said = cli(project, "cost", *words, "--json")
    assert said.code == 0, said.err
    return said


def test_both_ways_are_there_and_make_up_the_gap(cost):
    (found,) = cost.document["costs"]
    assert found["ablation"]["low_ns"] <= found["ablation"]["ns"] <= found["ablation"]["high_ns"]
    assert found["attribution"]["ns"] > 0
    assert found["agree"] is (found["gap"]["low_ns"] <= 0 <= found["gap"]["high_ns"])
    assert {one["where"] for one in found["shifts"]} >= {"layout", "runtime", "features.1", "head"}
    a, b = found["comparison"]["measurements"]
    assert (a["artifact"]["recipe"]["block"], b["artifact"]["recipe"]["block"]) == ("none", "coord")


def test_every_block_stands_beside_its_paper(cost):
    (found,) = cost.document["costs"]
    blocks = {one["path"]: one for one in found["blocks"] if one["footprint"]}
    assert set(blocks) >= {"features.1.attention", "features.16.attention", "stem", "head"}
    without, total = found["totals"]
    for key in ("parameters", "macs", "traffic_bytes"):
        assert sum(one["footprint"][key] for one in blocks.values()) == total[key]
        assert total[key] > without[key]
    attention = {path for path, one in blocks.items() if one["kind"] == "attention"}
    ran = found["comparison"]["measurements"][1]["operators"]
    assert attention <= {one["block"] for one in ran}
    assert (found["ceiling"], found["no_ceiling"]) == (None, "not asked for")


def test_it_is_stored_and_shown_again(project, cost):
    record = next(line for line in cost.err.splitlines() if line.startswith("record: "))
    said = CliRunner().invoke(main, ["report", str(project / record.removeprefix("record: "))])
    assert said.exit_code == 0, said.output
    for words in ("by ablation", "By attribution", "On paper", "no roofline: not asked for"):
        assert words in " ".join(said.stdout.split()), words


def test_no_attention_costs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["cost", "--block", "none"], prog_name="attnbench")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--block none is what the others are held against" in done.stderr


def test_a_sweep_is_gone_on_with_and_a_cell_that_fails_stops_no_other(cli, project, cost):
    words = (
        "sweep",
        "--block",
        "coord",
        *MODEL,
        "--iterations",
        "3",
        "--threads",
        "1,512",
        "--json",
    )
    first = cli(project, *words, "--rounds", "1")
    assert first.code == 2  # 512 threads are more than there are processors
    said = cli(project, *words, "--rounds", "2")
    assert "going on with" in said.err
    (found,) = said.document["sweeps"]
    told = [(one["recipe"]["block"], one["setup"]["threads"]) for one in found["cells"]]
    assert told == [("none", 1), ("none", 512), ("coord", 1), ("coord", 512)]
    assert all("512 threads" in one["failed"]["message"] for one in found["cells"][1::2])
    for one in found["cells"][::2]:
        assert [len(run) for run in one["measurement"]["runs"]] == [3, 3]
        assert one["macs"] > 0
    assert len(found["sessions"]) == 2
