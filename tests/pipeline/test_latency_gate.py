"""Latency against a baseline: what it rests on, and when it is refused."""

from dataclasses import replace

import pytest

from attnbench.cli.latency_policy import Latency, LatencyGating, latency_beside
from attnbench.cli.outcome import gate_code
from attnbench.cli.policy import read_policy
from attnbench.devices import DEVICES
from attnbench.errors import BadInput, BadOption
from attnbench.files import digest
from attnbench.pipeline import latency_gate as module
from attnbench.pipeline.latency_gate import (
    LatencyGate,
    Terms,
    by_stored,
    keep,
    read_latency,
    unlike,
    write_latency,
)
from attnbench.pipeline.noise import artifact_in
from attnbench.progress import Silent
from attnbench.records import INSTRUCTIONS, Gated
from attnbench.report import github, junit
from attnbench.store import Run
from tests.report.invented import WHEN

HOST = DEVICES.get("host")
LAX = Terms(limit=9.0, rounds=6)
"""Ten times as slow is allowed, so that a busy machine decides nothing here."""


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "INTERLEAVED", replace(module.INTERLEAVED, iterations=1, warmup=0))
        yield


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    return artifact_in(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def changed(artifact, tmp_path_factory):
    """The same model in another file: ONNX lets readers pass over a field of documentation."""
    import onnx

    model = onnx.load(artifact.path)
    model.doc_string = "another"
    path = tmp_path_factory.mktemp("changed") / "changed.onnx"
    onnx.save(model, path)
    return replace(artifact, path=str(path), sha256=digest(path))


@pytest.fixture(scope="module")
def before(artifact, quick):
    return LAX.measure(artifact, HOST, Silent())


def judged(artifact, before, terms=LAX):
    return LatencyGate("plain", artifact, HOST, terms, before).judge(Silent())


def test_a_baseline_comes_back_as_it_was_written(before, tmp_path):
    path = tmp_path / "latency.json"
    write_latency(path, {"plain onnx host": before})
    assert read_latency(path).measurements == {"plain onnx host": before}
    assert len(before.runs) == 2 * LAX.rounds
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 0'))
    with pytest.raises(BadInput, match="has schema 0"):
        read_latency(path)


def test_the_same_file_in_the_same_runtime_needs_no_measuring(artifact, before):
    found = judged(artifact, before)
    assert (found.outcome, found.how, found.time) == ("pass", "the same file", None)


def test_another_file_takes_turns_with_the_one_that_was_kept(artifact, changed, before, cache):
    keep(artifact)
    found = judged(changed, before)
    assert (found.outcome, found.how) == ("pass", "took turns")
    assert found.time.low < found.time.ratio < found.time.high


def test_a_kept_file_that_is_damaged_is_none(artifact, before, cache):
    keep(artifact)
    (kept,) = module._kept(artifact.sha256).iterdir()
    assert module._old(before, artifact).path == str(kept)
    kept.write_bytes(b"damaged")
    assert module._old(before, artifact) is None


def test_without_the_file_its_launches_are_held_against_new_ones(changed, before, cache):
    found = judged(changed, before)
    assert (found.outcome, found.how) == ("pass", "stored launches")
    assert found.time.low <= found.time.ratio <= found.time.high
    assert "did not take turns" in found.notes[0]


def taking(made, factors):
    """The same measurement, whose launches took a factor longer each."""
    runs = zip(factors, made.runs, strict=True)
    scaled = tuple(tuple(max(1, round(ns * factor)) for ns in run) for factor, run in runs)
    return replace(made, runs=scaled)


@pytest.mark.parametrize(
    ("slower", "outcome"),
    [([1.0], "pass"), ([1.1], "fail"), ([0.5], "pass"), ([1.2, 0.8], "inconclusive")],
)
def test_it_is_the_interval_that_decides(before, slower, outcome):
    now = taking(before, slower * (12 // len(slower)))
    found = by_stored(before, now, 0.03)
    assert found.outcome == outcome
    assert found.whole.low <= found.whole.ratio <= found.whole.high


def test_too_few_launches_decide_nothing(before):
    few = replace(before, runs=before.runs[:5])
    assert by_stored(few, before, 0.03).outcome is None


def test_in_instruction_time_one_number_says_all(before):
    counted = replace(before, clock=INSTRUCTIONS)
    found = by_stored(counted, replace(counted, runs=counted.runs[:1]), 0.005)
    assert (found.outcome, found.whole.low) == ("pass", None)


def test_unlike_environments_are_refused(changed, before, cache):
    found = judged(changed, replace(before, runner_sha256="0" * 64))
    assert (found.outcome, found.how) == ("inconclusive", "not measured")
    assert "unlike environments (runner)" in found.notes[0]


def test_another_runtime_that_cannot_be_had_is_refused_by_its_digest(
    changed, before, cache, monkeypatch
):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    other = replace(before, engine_version="0.0.1", libraries={"libonnxruntime.so.1": "f" * 64})
    found = judged(changed, other)
    assert found.outcome == "inconclusive"
    assert "0.0.1 (sha256 ffffffffffff)" in found.notes[0]
    assert "--update" in found.notes[0]


def test_other_inputs_and_no_baseline_are_undecided(changed, before, cache):
    recipe = replace(before.artifact.recipe, size=(64, 64))
    resized = replace(before, artifact=replace(before.artifact, recipe=recipe))
    assert "other input sizes" in judged(changed, resized).notes[0]
    assert "not in the baseline" in judged(changed, None).notes[0]


def test_what_makes_environments_unlike(before):
    wanted = replace(before, threads=2, cpus=(7,), clock="instructions")
    assert unlike(before, before) == ()
    assert unlike(before, wanted) == ("clock", "threads", "processors")


def test_a_gate_takes_its_baseline_and_holds_against_it(artifact, tmp_path, cache):
    path = latency_beside(tmp_path / "team.json")
    assert path.name == "team.latency.json"
    first = LatencyGating(path, Silent(), update=True)
    first.take("plain", LAX, ("host",), [artifact])
    first.finish()
    assert first.found == []
    gate = LatencyGating(path, Silent(), update=False)
    gate.take("plain", LAX, ("host",), [artifact])
    gate.take("another", LAX, ("host",), [artifact])
    assert [one.outcome for one in gate.found] == ["pass", "inconclusive"]


def test_a_policy_says_what_it_allows(tmp_path):
    path = tmp_path / "team.toml"
    text = '[[models]]\nname = "m"\nblock = "coord"\nlatency = {{ limit = "{}", rounds = {} }}\n'
    path.write_text(text.format("3%", 8))
    assert read_policy(path).models[0].latency == Latency("3%")
    path.write_text(text.format("much", 8))
    with pytest.raises(BadOption, match=r"model m: latency: 'much' is not a percentage"):
        read_policy(path)
    path.write_text(text.format("3%", 5))
    with pytest.raises(BadOption, match="fewer than 6 rounds"):
        read_policy(path)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [((), 0), (("pass",), 0), (("pass", "inconclusive"), 7), (("inconclusive", "fail"), 1)],
)
def test_the_exit_code_is_the_worst(outcomes, code):
    found = tuple(Gated("m", "onnx", "host", one, "took turns", 0.03) for one in outcomes)
    assert gate_code(Run(WHEN, gated=found), ()) == code
    assert [bool(one) for one in found] == [one == "pass" for one in outcomes]


def test_ci_systems_are_told():
    found = [
        Gated("m", "onnx", "host", "fail", "took turns", 0.03, notes=("slower",)),
        Gated("m", "tflite", "host", "inconclusive", "not measured", 0.03, notes=("why",)),
    ]
    error, warning = github.latency_commands(found, "team.toml")
    assert error.startswith("::error file=team.toml,title=m onnx on host::latency fail")
    assert warning.startswith("::warning")
    text = junit.render((), found)
    assert '<testsuite name="latency" tests="2" failures="1" skipped="1">' in text
    assert "limit 1.030: why" in text
