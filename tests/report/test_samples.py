"""Raw samples: all of them, in their order, with what was read of the machine meanwhile."""

import json
import re
from dataclasses import replace

import plotly.graph_objects
import pytest

from attnbench.records import Interval, Sustained
from attnbench.report.samples import MOST, conditions, every, frame, samples
from attnbench.report.samples_chart import sample_charts
from attnbench.report.sustained_chart import stretches, sustained_charts
from attnbench.report.view import Column
from tests.report import invented

M = invented.run().measurements[0]


def chart(m):
    return sample_charts([Column("some", m)], "samples")[0]


def traces(m):
    return {trace["name"]: trace for trace in chart(m).spec["data"]}


def test_every_inference_has_its_place():
    found = samples(M)
    assert [one.ns for one in found if not one.warmup] == [ns for run in M.runs for ns in run]
    assert [one.ns for one in found if one.warmup] == [ns for run in M.warmup_runs for ns in run]
    assert [one.at for one in found] == sorted(one.at for one in found)
    for launch in range(len(M.runs)):
        inside = [one for one in found if launch < one.at < launch + 1]
        assert len(inside) == len(M.runs[launch]) + len(M.warmup_runs[launch])


def test_launches_of_unlike_length_are_all_drawn():
    m = replace(M, runs=((5, 6, 7), (8,)), warmup_runs=((9,),))
    assert [(one.ns, one.warmup) for one in samples(m)] == [
        *((9, True), (5, False), (6, False), (7, False), (8, False))
    ]


def test_what_is_far_off_is_at_the_edge_and_says_how_far():
    slow = replace(M, runs=((90_000_000, *M.runs[0][1:]), *M.runs[1:]))
    edge = traces(slow)["beyond the frame"]
    assert "90.0 ms" in edge["text"]
    assert frame(samples(slow)).roof_ns < 3_000_000
    drawn = traces(slow)
    marks = sum(len(drawn[name]["x"]) for name in ("timed", "warm-up", "beyond the frame"))
    assert marks == len(samples(slow))


def test_times_that_hardly_differ_fill_the_frame():
    box = frame(samples(M))
    fastest, slowest = min(map(min, M.runs)), max(map(max, M.runs))
    assert box.low_ns < fastest < slowest < box.roof_ns
    assert box.roof_ns - box.low_ns < 0.03 * slowest


def test_the_lines_are_the_medians_of_the_launches():
    line = traces(M)["median of the launch"]
    assert line["y"][::3] == line["y"][1::3]
    assert len(line["y"]) == 3 * len(M.runs)
    assert line["y"][0] * 1e6 == pytest.approx(sorted(M.runs[0])[24], rel=1e-3)


def test_more_samples_than_a_page_can_take_are_thinned_and_it_says_so():
    long = replace(M, runs=M.runs * 8)
    k = every(samples(long))
    assert k == 3
    assert f"one of every {k} inferences" in chart(long).title
    assert len(traces(long)["timed"]["x"]) <= MOST


def test_conditions_are_what_was_read():
    m = invented.watched(M)
    found = {one.name: one for one in conditions(m)}
    assert list(found) == ["temperature, °C", "clock, MHz", "load"]
    warm = found["temperature, °C"]
    assert warm.values == tuple(45.0 + at for at in range(16))
    assert (warm.at[0], warm.at[-1]) == (0, len(m.runs))
    assert set(found["clock, MHz"].values) == {2400, 2100}  # of the processor that was used
    assert warm.held == (False,) * 13 + (True,) * 3


def test_the_host_tells_its_load_alone():
    (load,) = conditions(M)
    assert (load.name, load.values) == ("load", (0.31, 0.62))
    unknown = replace(M.conditions, load_before=None, load_after=None)
    assert conditions(replace(M, conditions=unknown)) == ()


@pytest.mark.parametrize("m", [M, invented.watched(M)], ids=["host", "device"])
def test_plotly_knows_every_property(m):
    painted = re.sub(r"var\(--[a-z-]+\)", "#123456", json.dumps(chart(m).spec))
    figure = plotly.graph_objects.Figure(json.loads(painted))
    axes = {trace.yaxis or "y" for trace in figure.data}
    assert axes == {"y", *(f"y{row + 3}" for row in range(len(conditions(m))))}


def load(ns):
    return Sustained(ns, (), sum(ns) / 1e9, 1, Interval(1, 1, 1), 0.5, 0.4, 0.6)


def test_continuous_load_is_cut_into_stretches_that_hold_every_inference():
    ns = tuple(1_000_000 + 100 * at for at in range(12_007))
    found = stretches(load(ns))
    assert len(found) == 120
    assert found[-1][0] == pytest.approx(sum(ns) / 1e9)
    assert found[0][1] == pytest.approx(1.005, rel=1e-3)
    assert all(middle < slow for _, middle, slow in found)
    (one,) = sustained_charts([Column("some", replace(M, sustained=load(ns)))], "sustained")
    plotly.graph_objects.Figure(
        json.loads(re.sub(r"var\(--[a-z-]+\)", "#123456", json.dumps(one.spec)))
    )
    assert one.title == "some: +50.00 % a minute, 19 s"
    assert [len(trace["x"]) for trace in one.spec["data"]] == [120, 120]


def test_a_short_load_is_one_stretch_and_none_has_no_chart():
    assert [round(end, 4) for end, _, _ in stretches(load((5_000_000,)))] == [0.005]
    assert sustained_charts([Column("some", M)], "sustained") == ()
