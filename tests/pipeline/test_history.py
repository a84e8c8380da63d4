"""Stored measurements over time: unlike environments are apart, and it is said what differs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

from attnbench.cli import main
from attnbench.pipeline.history import Wanted, differences, environment, histories, taken
from attnbench.records import Conditions, DeviceId, Interval, Reading, Residual
from attnbench.report import documents, history, html, markdown
from attnbench.store import Run, Store
from tests.report.invented import comparison, measurement
from tests.report.test_text import printed


def at(day, ms=10.0, **changes):
    """An INVENTED measurement of that day; each is another, by its raw times."""
    ns = round(ms * 1e6)
    when = f"2001-01-{day:02}T00:00:00.000000+00:00"
    made = measurement("onnx", 1.0, Residual(), 1.0)
    made = replace(made, runs=((ns + day, ns),) * 6, taken_at=when)
    return replace(made, latency_ns=Interval(ns, ns - 100_000, ns + 100_000), **changes)


@pytest.fixture
def stored(tmp_path):
    def store(*found, **studies):
        store = Store(tmp_path)
        for one in found:
            store.add(Run(one.taken_at, (one,), **studies))
        return store

    return store


EVERYTHING = Wanted()


def told(store, wanted=EVERYTHING):
    found, unread = taken(store)
    assert not unread
    return histories(found, wanted)


def test_measurements_of_one_environment_are_one_stretch(stored):
    (one,) = told(stored(at(3, 11.0), at(1, 10.0), at(2, 10.1)))
    (stretch,) = one.stretches
    assert [point.taken_at[8:10] for point in stretch.points] == ["01", "02", "03"]
    assert [point.change for point in stretch.points] == [
        None,
        pytest.approx(0.01),
        pytest.approx(11 / 10.1 - 1),
    ]
    assert [point.apart for point in stretch.points] == [None, False, True]
    assert one.differences == ()


CHANGED = {
    "engine_version 9.9.9 → 10": {"engine_version": "10"},
    "threads 1 → 4": {"threads": 4},
    "cpus 0 → 2,3": {"cpus": (2, 3)},
    "runner_sha256 unknown → f": {"runner_sha256": "f"},
    "libraries: libonnx.so": {"libraries": {"libonnx.so": "1"}},
    "device x86_64, Invented CPU @ 2.00 GHz → x86_64, other": {
        "device": DeviceId("host", emulated=False, machine="x86_64", cpu="other")
    },
    "governor unknown → powersave": {
        "conditions": Conditions(0, 0, 2, before=Reading(governor="powersave"))
    },
}


@pytest.mark.parametrize("words", CHANGED)
def test_unlike_environments_are_never_one_comparison(stored, words):
    other = at(2, 20.0, **CHANGED[words])
    (one,) = told(stored(at(1), other, at(3)))
    assert [len(stretch.points) for stretch in one.stretches] == [2, 1]
    assert one.stretches[1].points[0].change is None
    assert one.differences == ((words,),)
    text = printed(Run("", histories=(one,)), 140)
    assert "2 environments, which are not held against each other" in " ".join(text.split())
    assert words in " ".join(text.split())
    assert "100.0" not in text  # 20 ms are twice 10, and nobody says so


def test_alike_is_alike():
    assert differences(environment(at(1)), environment(at(2))) == ()


def test_models_runtimes_and_devices_have_histories_of_their_own(stored):
    first = at(1)
    other = replace(first.artifact, recipe=replace(first.artifact.recipe, width=0.5))
    elsewhere = replace(first.device, name="pixel4")
    tflite = replace(first.artifact, backend="tflite")
    several = (at(2, artifact=other), at(3, device=elsewhere), at(4, artifact=tflite))
    store = stored(first, *several)
    assert len(told(store)) == 4
    assert [one.device for one in told(store, Wanted(device="pixel4"))] == ["pixel4"]
    assert [one.backend for one in told(store, Wanted(backends=("tflite",)))] == ["tflite"]
    assert len(told(store, Wanted(block="coord"))) == 4
    assert told(store, Wanted(block="se")) == told(store, Wanted(backbone="other")) == ()


def test_both_sides_of_a_comparison_count_and_each_once(stored, tmp_path):
    held = comparison()
    store = stored(at(1), comparisons=(held,))
    store.add(Run("2002", comparisons=(held,)))
    points = sum(len(s.points) for one in told(store) for s in one.stretches)
    assert points == 3


def test_what_cannot_be_read_is_left_out_and_named(stored, tmp_path):
    store = stored(at(1))
    (tmp_path / "2001-broken.json").write_text("{")
    found, unread = taken(store)
    assert len(found) == 1
    assert "2001-broken.json" in unread[0]


def test_intervals_are_drawn_on_one_scale(stored):
    (one,) = told(stored(at(1, 10.0), at(2, 11.0)))
    low, high = (point.latency_ns for point in one.stretches[0].points)
    lines = [history.drawn(point, low.low, high.high) for point in one.stretches[0].points]
    assert {len(line) for line in lines} == {history.CHART}
    assert lines[0].startswith("├")
    assert lines[1].endswith("┤")
    assert [line.count("●") for line in lines] == [1, 1]


def test_every_form(stored):
    run = Run("", histories=told(stored(at(1), at(2, 10.5))))
    assert documents.history_document(run.histories)["histories"][0]["stretches"]
    for text in (printed(run, 100), markdown.render(run), html.render(run)):
        said = " ".join(text.replace("\\", "").split())
        for words in ("2 measurements in one environment", "+5.0 %*", "10.500", "2001-01-02"):
            assert words in said, words


def test_as_people_type_it(stored, tmp_path):
    stored(at(1), at(2))
    page = tmp_path / "history.md"
    words = ["history", "--runs", str(tmp_path), "--block", "coord", "--markdown", str(page)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "2 measurements in one environment" in done.stdout
    assert "2 measurements" in page.read_text()
    none = CliRunner().invoke(main, ["history", "--runs", str(tmp_path), "--device", "pixel4"])
    assert (none.exit_code, none.stdout) == (2, "")
    assert "no such measurement among the 2" in none.stderr
