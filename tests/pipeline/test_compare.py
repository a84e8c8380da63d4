"""B against A on stored measurements, and how much is measured of each."""

from dataclasses import replace

import pytest

from attnbench.devices.local import LocalTransport
from attnbench.devices.profile import DeviceProfile
from attnbench.devices.reach import Reached
from attnbench.devices.remote import Remote
from attnbench.errors import BadOption
from attnbench.pipeline.bench import Measured
from attnbench.pipeline.compare import LIMIT, RESIDUAL, compare, stored_pairs
from attnbench.pipeline.effort import COUNTED, Effort, effort_on
from attnbench.pipeline.trial import Pair
from attnbench.records import INSTRUCTIONS, Interval, Residual
from attnbench.store import Run
from tests.report.invented import WHEN, measurement, refused


def counted(backend="onnx", scale=1.0):
    made = measurement(backend, scale, Residual(layout=1000), 1.0)
    return replace(made, clock=INSTRUCTIONS)


def taking(made, ns):
    return replace(made, latency_ns=Interval(ns, ns, ns))


def once(a, b):
    return Pair(Measured(a), Measured(b))


def board(time, **profile):
    given = {
        "name": "board",
        "transport": "emulated:rpi5",
        "model": "",
        "soc": "",
        "workdir": "/x/y",
    }
    return Remote(DeviceProfile(**given, **profile), Reached(LocalTransport(), "cortex-a76", time))


@pytest.mark.parametrize(
    ("more", "passes"), [(0, True), (LIMIT * 0.99, True), (LIMIT * 1.01, False), (-0.3, True)]
)
def test_the_verdict_is_on_the_whole(more, passes):
    a, b = taking(counted(), 10**9), taking(counted(), round(10**9 * (1 + more)))
    found = compare(once(a, b))
    assert bool(found) is passes
    assert found.whole.ratio == pytest.approx(1 + more)
    assert found.notes == ()


def test_every_block_of_either_is_there_and_the_residual():
    a, b = counted(), counted(scale=2.0)
    extra, rest = b.blocks[0], b.blocks[1:]
    a = replace(a, blocks=tuple(one for one in a.blocks if one.path != rest[0].path))
    b = replace(b, blocks=rest)
    rows = {row.path: row.time for row in compare(once(a, b)).blocks}
    assert rows[rest[0].path].a_ns is None
    assert rows[rest[0].path].ratio is None
    assert rows[extra.path].b_ns is None
    assert rows["head"].ratio == pytest.approx(2, rel=0.01)
    assert rows[RESIDUAL].ratio == 1
    assert len(rows) == len(b.blocks) + 2


def test_what_else_differs_is_noted():
    b = replace(counted(), libraries={"lib.so": "1"}, runner_sha256="2", cpus=(1,))
    assert len(compare(once(counted(), b)).notes) == 3
    unmapped = replace(refused("onnx", 1.0), clock=INSTRUCTIONS)
    found = compare(once(counted(), unmapped))
    assert found.blocks is None
    assert "B: no time per block" in found.notes[0]


def test_stored_runs_are_paired_by_backend():
    a = Run(WHEN, (counted("onnx"), counted("tflite")))
    b = Run(WHEN, (counted("tflite"), counted("executorch")))
    (pair,) = stored_pairs(a, b)
    sides = (pair.a.measurement, pair.b.measurement)
    assert {one.artifact.backend for one in sides} == {"tflite"}


def test_runs_that_cannot_be_compared():
    a = Run(WHEN, (counted(),))
    real = Run(WHEN, (replace(counted(), clock="monotonic"),))
    with pytest.raises(BadOption, match="stored runs of real time did not take turns") as caught:
        stored_pairs(a, real)
    assert "attnbench compare" in caught.value.hint
    assert "--device host" in caught.value.hint
    with pytest.raises(BadOption, match="no measurement of the same backend"):
        stored_pairs(a, Run(WHEN, (counted("tflite"),)))
    elsewhere = replace(counted(), device=replace(counted().device, name="other"))
    with pytest.raises(BadOption, match=r"different devices: host .* and other"):
        stored_pairs(a, Run(WHEN, (elsewhere,)))


def test_a_clock_that_counts_asks_for_little():
    assert effort_on(board("instructions")) == COUNTED
    assert (COUNTED.launches, COUNTED.iterations, COUNTED.threads) == (1, 3, 1)
    more = effort_on(board("instructions"), 2, 5, cpus=(1,))
    assert (more.launches, more.iterations, more.cpus) == (2, 5, (1,))
    assert effort_on(board("instructions", threads=4)).threads == 1
    with pytest.raises(BadOption, match="--threads 2: instruction time is that of one thread"):
        effort_on(board("instructions"), threads=2)


def test_threads_are_the_profiles_unless_asked_for():
    given = DeviceProfile(
        name="board", transport="local", model="", soc="", workdir="/x/y", threads=3
    )
    device = Remote(given, Reached(LocalTransport()))
    assert effort_on(device) == Effort(threads=3)
    assert effort_on(device, threads=1).threads == 1


def test_an_emulated_clock_that_is_real_means_nothing():
    with pytest.raises(BadOption, match="is emulated") as caught:
        effort_on(board("real"))
    assert "attnbench emulate rpi5 up --time instructions" in caught.value.hint
