"""
What every engine of the runner must do. Subclass, name it, done.

    class TestLiteRt(EngineContract):
        engine = "litert"
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import time
from typing import ClassVar

import numpy as np
import pytest

from attnbench.errors import BadArtifact, BadInput, BadOption
from attnbench.records import TensorSpec
from attnbench.runner import ENGINES, compute, find, info, measure, measure_paired


def empty(model: bytes) -> bytes:
    return b""


def one_byte(model: bytes) -> bytes:
    return model[:1]


def cut_to_magic(model: bytes) -> bytes:
    return model[:16]


def cut_in_half(model: bytes) -> bytes:
    return model[: len(model) // 2]


def cut_at_the_end(model: bytes) -> bytes:
    return model[:-1000]


def noise(model: bytes) -> bytes:
    return np.random.default_rng(0).bytes(len(model))


def noise_behind_the_magic(model: bytes) -> bytes:
    return model[:16] + noise(model)[16:]


DAMAGES = [
    empty,
    one_byte,
    cut_to_magic,
    cut_in_half,
    cut_at_the_end,
    noise,
    noise_behind_the_magic,
]


def one_line(error: Exception) -> bool:
    text = str(error)
    return bool(text) and "\n" not in text.strip() and "SIG" not in text


class EngineContract:
    engine: ClassVar[str]

    @pytest.fixture
    def job(self, make_job):
        return make_job(self.engine)

    def test_computes_what_the_official_package_computes_to_the_last_bit(
        self, job, input_sets, official
    ):
        expected = official(self.engine)
        outputs = compute(job, list(input_sets.values()))
        for name, mine in zip(input_sets, outputs, strict=True):
            assert len(mine) == len(expected[name]) == 2
            for a, b in zip(mine, expected[name], strict=True):
                assert a.dtype == b.dtype
                assert a.shape == b.shape
                assert a.tobytes() == b.tobytes(), name

    def test_input_sets_leave_nothing_behind(self, job, input_sets):
        normal, saturating = input_sets["normal"], input_sets["saturating"]
        together = compute(job, [normal, saturating, normal, normal])
        alone = compute(job, [normal])[0]
        for again in (together[0], together[2], together[3]):
            assert [a.tobytes() for a in again] == [a.tobytes() for a in alone]

    def test_tells_what_it_loaded(self, job):
        told = info(job)
        assert told.version == find(self.engine).version
        assert told.inputs == (
            TensorSpec("float32", (1, 3, 32, 32)),
            TensorSpec("float32", (1, 16, 16, 16)),
        )
        assert told.outputs == (
            TensorSpec("float32", (1, 10)),
            TensorSpec("float32", (1, 16, 16, 16)),
        )
        assert told.libraries == {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in find(self.engine).libraries
        }

    def test_measures_as_often_as_asked(self, job, inputs):
        launch = measure(job, inputs, warmup=3, iterations=7)
        assert (len(launch.warmup_ns), len(launch.plain_ns), launch.traced_ns) == (3, 7, ())
        assert min(launch.plain_ns) > 0
        assert launch.load_ns > 0
        assert launch.first_ns > 0
        assert launch.cpus == tuple(sorted(os.sched_getaffinity(0)))
        assert 1e6 < launch.peak_rss_bytes < 1e9
        # Whatever this machine offers: a counter counts, or there is a reason.
        found = launch.counters
        assert len(found.counts) + len(found.unknown) == 4
        assert all(found.counts.values())
        assert all(found.unknown.values())

    def test_runs_where_it_is_told(self, make_job, inputs):
        cpu = max(os.sched_getaffinity(0))
        launch = measure(make_job(self.engine, cpus=(cpu,)), inputs, warmup=0, iterations=1)
        assert launch.cpus == (cpu,)
        assert launch.warmup_ns == ()

    def test_inferences_begin_at_different_phases_of_a_timer(self, make_job, inputs):
        began = time.monotonic()
        launch = measure(make_job(self.engine, stagger_us=1_000_000), inputs, 0, iterations=3)
        assert time.monotonic() - began > 0.6  # from the first third of a second to the last
        assert launch.counters is None  # they would count the waiting
        assert len(launch.plain_ns) == 3

    def test_several_threads_compute_the_same(self, make_job, inputs):
        threads = min(2, len(os.sched_getaffinity(0)))
        one = compute(make_job(self.engine), [inputs])[0]
        many = compute(make_job(self.engine, threads=threads), [inputs])[0]
        for a, b in zip(one, many, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)

    def test_a_traced_copy_alternates_with_a_plain_one(self, job, inputs):
        launch, trace = measure_paired(job, inputs, warmup=2, iterations=9)
        assert len(launch.plain_ns) == len(launch.traced_ns) == len(trace.iterations) == 9
        assert trace.engine == self.engine
        assert trace.graph is None

    def test_every_inference_has_the_same_events_in_the_same_order(self, job, inputs):
        _, trace = measure_paired(job, inputs, warmup=1, iterations=5)
        orders = {tuple(event.operator for event in events) for events in trace.iterations}
        assert len(orders) == 1
        kinds = [trace.operators[i].kind.lower() for i in orders.pop()]
        assert sum("conv" in kind or "fully connected" in kind for kind in kinds) >= 2
        assert any("add" in kind for kind in kinds)

    def test_operators_are_leaves_that_fit_into_the_inference(self, job, inputs):
        launch, trace = measure_paired(job, inputs, warmup=5, iterations=20)
        for whole_ns, events in zip(launch.traced_ns, trace.iterations, strict=True):
            leaves = [e for e in events if trace.operators[e.operator].level == "operator"]
            assert leaves
            assert sum(event.ns for event in leaves) <= whole_ns
            starts = [event.start_ns for event in leaves]
            assert starts == sorted(starts)
            for left, right in itertools.pairwise(leaves):
                assert left.start_ns + left.ns <= right.start_ns + trace.resolution_ns

    def test_delegates_follow_their_operators_and_enclose_them(self, job, inputs):
        _, trace = measure_paired(job, inputs, warmup=1, iterations=3)
        for events in trace.iterations:
            pending_ns = []
            for event in events:
                level = trace.operators[event.operator].level
                if level == "operator":
                    pending_ns.append(event.start_ns)
                elif level == "delegate":
                    assert any(start >= event.start_ns for start in pending_ns)
                    pending_ns = []

    def test_saves_the_graph_that_ran_or_says_that_it_has_none(self, job, inputs, tmp_path):
        file = tmp_path / "graph"
        if not ENGINES[self.engine].saves_graph:
            with pytest.raises(BadOption, match="saves no graph"):
                measure_paired(job, inputs, warmup=0, iterations=1, graph=file)
            return
        _, trace = measure_paired(job, inputs, warmup=0, iterations=1, graph=file)
        assert trace.graph == str(file)
        assert file.stat().st_size > 1000

    @pytest.mark.parametrize("damage", DAMAGES)
    def test_a_damaged_artifact_is_refused(self, make_job, inputs, exported, tmp_path, damage):
        bad = tmp_path / exported(self.engine).name
        bad.write_bytes(damage(exported(self.engine).read_bytes()))
        with pytest.raises(BadArtifact) as caught:
            compute(make_job(self.engine, model=bad), [inputs])
        assert one_line(caught.value)

    def test_flipped_bits_never_kill_the_process(self, make_job, inputs, exported, tmp_path):
        bad = tmp_path / exported(self.engine).name
        for seed in range(20):
            model = bytearray(exported(self.engine).read_bytes())
            for at in np.random.default_rng(seed).integers(16, len(model), 20):
                model[at] ^= 1 << (seed % 8)
            bad.write_bytes(model)
            # Damaged weights compute, something else: only the digest guards against those.
            with contextlib.suppress(BadArtifact):
                compute(make_job(self.engine, model=bad), [inputs])

    @pytest.mark.parametrize("other", sorted(ENGINES))
    def test_another_engines_artifact_is_refused(self, make_job, inputs, exported, other):
        if other == self.engine:
            return
        with pytest.raises(BadArtifact, match=r"is not an? "):
            compute(make_job(self.engine, model=exported(other)), [inputs])

    def test_a_missing_artifact_and_a_folder_are_refused(self, make_job, inputs, tmp_path):
        with pytest.raises(BadArtifact, match="No such file"):
            compute(make_job(self.engine, model=tmp_path / "absent"), [inputs])
        with pytest.raises(BadArtifact, match="Is a directory"):
            compute(make_job(self.engine, model=tmp_path), [inputs])

    def test_only_the_artifact_with_the_expected_digest_is_loaded(self, make_job, inputs, exported):
        digest = hashlib.sha256(exported(self.engine).read_bytes()).hexdigest()
        assert compute(make_job(self.engine, sha256=digest), [inputs])
        with pytest.raises(BadArtifact, match="SHA-256"):
            compute(make_job(self.engine, sha256=digest[::-1]), [inputs])

    def test_inputs_that_do_not_fit_are_refused(self, job, inputs):
        x, y = inputs
        for wrong in ([x], [x, y, y], [x[:, :, 1:], y], [x.astype(np.float64), y], []):
            with pytest.raises(BadInput, match="bytes, the model takes") as caught:
                compute(job, [wrong])
            assert one_line(caught.value)

    def test_inputs_of_the_right_size_but_another_type_are_refused(self, job, inputs):
        x, y = inputs
        for wrong in ([x.view(np.int32), y], [x.reshape(1, 32, 32, 3), y], [y, x]):
            with pytest.raises(BadInput, match="the model takes float32"):
                compute(job, [wrong])

    def test_more_threads_than_processors_are_refused(self, make_job, inputs):
        with pytest.raises(BadOption, match="threads on"):
            measure(make_job(self.engine, threads=1000), inputs, warmup=0, iterations=1)

    def test_processors_that_are_not_there_are_refused(self, make_job, inputs):
        with pytest.raises(BadOption, match="cannot run on processors"):
            measure(make_job(self.engine, cpus=(0, 1000)), inputs, warmup=0, iterations=1)
