"""Two models that take turns, as people type it: one light, one several times as heavy."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click
import msgspec
import pytest
from click.testing import CliRunner

from attnbench.cli import compare_command, main, outcome
from attnbench.cli.trial_options import differences_of
from attnbench.stats.paired import schedule
from tests.report.invented import comparison

slow = pytest.mark.slow
QUICK = ("--rounds", "6", "--iterations", "3")


class Files(NamedTuple):
    folder: Path
    light: Path
    heavy: Path


@pytest.fixture(scope="module")
def files(cli, project) -> Files:
    made = []
    for size in ("32", "128"):
        words = ("--model", "my_models:Gated", "--blocks", "stages.*", "--to", "tflite")
        words = (*words, "--size", size)
        said = cli(project, "export", *words, "--json")
        assert said.code == 0, said.err
        made.append(project / said.document["artifacts"][0]["path"])
    return Files(project, *made)


@pytest.fixture(scope="module")
def slower(cli, files):
    said = cli(files.folder, "compare", files.light, files.heavy, *QUICK, "--json")
    assert said.code == 0, said.err
    return said


@slow
def test_a_heavier_model_is_slower(slower):
    (found,) = slower.document["comparisons"]
    assert (found["finding"], found["verdict"], found["clock"]) == ("slower", None, "monotonic")
    whole = found["whole"]
    assert 1.5 < whole["low"] <= whole["ratio"] <= whole["high"]
    assert found["rounds"]["detectable"] > 0


@slow
def test_every_launch_is_in_the_record(slower):
    (found,) = slower.document["comparisons"]
    rounds = found["rounds"]
    assert tuple(rounds["orders"]) == schedule(6, rounds["seed"])
    for one in found["measurements"]:
        assert [len(run) for run in one["runs"]] == [3] * 12
        assert one["paired"]["launches"] == 12
    blocks = {row["path"]: row for row in found["blocks"]}
    assert {"stem.0", "stages.0", "head", "(residual)"} < set(blocks)
    gate = blocks["stages.0"]
    assert len(gate["a_launches_ns"]) == len(gate["b_launches_ns"]) == 12
    assert 1 < gate["time"]["low"] <= gate["time"]["ratio"] <= gate["time"]["high"]
    assert gate["finding"] == "slower"


@slow
def test_it_is_stored_and_shown_again(cli, files, slower):
    record = next(line for line in slower.err.splitlines() if line.startswith("record: "))
    path = files.folder / record.removeprefix("record: ")
    said = cli(files.folder, "report", path)
    assert said.code == 0, said.err
    assert "slower" in said.out
    assert cli(files.folder, "report", path, "--json").document == slower.document
    assert "Hodges-Lehmann" in path.with_suffix(".html").read_text()


@slow
def test_a_model_against_itself(cli, files):
    words = (files.light, files.light, *QUICK, "--whole", "--order-seed", "5")
    said = cli(files.folder, "compare", *words, "--json")
    assert said.code == 0, said.err
    (found,) = said.document["comparisons"]
    assert 0.3 < found["whole"]["low"] <= found["whole"]["high"] < 3
    assert (found["blocks"], found["notes"], found["rounds"]["seed"]) == (None, [], 5)
    assert tuple(found["rounds"]["orders"]) == schedule(6, 5)
    warnings = [text for one in found["measurements"] for text in one["validity"]["warnings"]]
    assert not [text for text in warnings if "time per block" in text]


@slow
def test_a_limit_makes_it_a_gate(cli, files):
    quick = (*QUICK, "--whole", "--limit", "20%")
    assert cli(files.folder, "compare", files.light, files.heavy, *quick).code == 1
    said = cli(files.folder, "compare", files.heavy, files.light, *quick)
    assert said.code == 0
    assert "below the limit of 20.00%" in " ".join(said.out.split())


@slow
def test_b_may_run_elsewhere(cli, files):
    """And readings, which a device gives after each launch, are of the side that was launched."""
    words = (files.light, files.light, *QUICK, "--whole", "--json", "--set", "threads=1")
    said = cli(files.folder, "compare", *words, "--b", "cpus=0", "--b", "threads=1")
    assert said.code == 0, said.err
    (found,) = said.document["comparisons"]
    a, b = found["measurements"]
    assert a["artifact"] == b["artifact"]
    assert b["cpus"] == [0]
    assert [len(one["conditions"]["during"]) for one in (a, b)] == [12, 12]
    if a["cpus"] != [0]:
        assert f"A ran on processors {a['cpus']}, B on [0]" in found["notes"]


@slow
def test_what_takes_too_long_to_detect_says_how_long(cli, files):
    words = ("--whole", "--iterations", "2", "--detect", "0.001%", "--budget", "2s", "--json")
    said = cli(files.folder, "compare", files.light, files.light, *words)
    assert said.code == 0, said.err
    rounds = said.document["comparisons"][0]["rounds"]
    assert rounds["asked"] == pytest.approx(1e-5)
    assert 6 <= len(rounds["orders"]) < rounds["needed"]


@slow
def test_stored_runs_of_real_time_are_refused(cli, files):
    said = cli(files.folder, "profile", files.light, "--launches", "1", "--iterations", "2")
    record = next(line for line in said.err.splitlines() if line.startswith("record: "))
    path = record.removeprefix("record: ")
    said = cli(files.folder, "compare", path, path)
    assert (said.code, said.out) == (2, "")
    assert said.errors == [
        "error: stored runs of real time did not take turns: what differs may be the hour"
    ]
    assert "`attnbench compare`" in said.hints[0]


def test_what_b_has_otherwise_is_read_as_the_options_are():
    ctx = click.Context(compare_command.command)
    texts = ("threads=4", "size=192x256", "width=0.5", "cpus=0,2-3", "backbone=mobilenetv1")
    assert differences_of(ctx, texts) == {
        "threads": 4,
        "size": (192, 256),
        "width": 0.5,
        "cpus": "0,2-3",
        "backbone": "mobilenetv1",
    }


@pytest.mark.parametrize(
    ("limits", "code"),
    [((None,), 0), ((0.3,), 0), ((0.3, 0.02), 1), ((0.3, 0.1), 7), ((0.1, 0.02), 1)],
)
def test_exit_codes(limits, code):
    assert outcome.comparison_code([comparison(1.1, limit) for limit in limits]) == code


BAD = {
    "no value": (["--b", "threads"], "--b 'threads' is not KEY=VALUE", "threads=4"),
    "unknown key": (["--b", "thread=4"], "unknown key of --b 'thread'", "'threads'"),
    "bad value": (["--b", "width=broad"], "'--width': 'broad' is not a valid float", "--help"),
    "bad processors": (["--b", "cpus=a"], "--cpus 'a' is not a list", ""),
    "budget of nothing": (["--budget", "1m"], "--budget is how long --detect may take", ""),
    "rounds and detect": (["--rounds", "9", "--detect", "3%"], "take one of them", ""),
    "detect nothing": (["--detect", "0%"], "takes for ever to see", ""),
    "detect a word": (["--detect", "much"], "'much' is not a percentage such as 3%", "--help"),
    "budget without unit": (["--detect", "3", "--budget", "9"], "'9' is not a time", "--help"),
    "too few rounds": (["--rounds", "5"], "'--rounds': 5 is not in the range", "--help"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_words_are_one_line(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words, error, hint = BAD[case]
    done = CliRunner().invoke(main, ["compare", "coord", "se", *words], prog_name="attnbench")
    assert (done.exit_code, done.stdout) == (2, "")
    said = done.stderr.splitlines()
    assert [line.startswith("error: ") for line in said].count(True) == 1
    assert error in done.stderr
    assert hint in done.stderr
    assert not list(tmp_path.iterdir())


def test_options_of_a_model_do_not_go_with_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.onnx").write_bytes(b"")
    words = ["compare", "a.onnx", "a.onnx", "--b", "width=0.5"]
    done = CliRunner().invoke(main, words, prog_name="attnbench")
    assert done.exit_code == 2
    assert "artifacts are what they are" in done.stderr


def test_runs_without_measurements_are_no_pair(tmp_path):
    record = tmp_path / "run.json"
    record.write_bytes(msgspec.json.encode({"taken_at": "", "schema": 1}))
    done = CliRunner().invoke(main, ["compare", str(record), str(record)])
    assert done.exit_code == 2
    assert "no measurement of the same backend" in done.stderr
