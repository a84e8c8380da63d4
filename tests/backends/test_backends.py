"""The contract for each backend, and what each has to get right on its own."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import ModelProto, numpy_helper

from attnbench.backends import BACKENDS, FORMATS
from attnbench.errors import ExportError, UnknownName
from attnbench.pipeline.foreign import foreign
from attnbench.pipeline.reference import trace
from attnbench.rewrites import REWRITES
from attnbench_models import Recipe
from tests.conformance.backend import BackendContract, failures, verdict_on
from tests.rewrites.cases import example
from tests.slices import ATTENTION, Untraceable

ALL = tuple(sorted(one.name for one in REWRITES))


def applied(artifact) -> dict[str, tuple[str, ...]]:
    return {one.name: one.paths for one in artifact.rewrites}


def scaled(artifact, path: str, factor: float) -> ModelProto:
    """The ONNX file with the weights of one convolution multiplied."""
    model = onnx.load(artifact.path)
    values = [one.value for one in artifact.scopes if (one.operator, one.path) == ("Conv", path)]
    [node] = [node for node in model.graph.node if node.output[0] in values]
    [weight] = [tensor for tensor in model.graph.initializer if tensor.name == node.input[1]]
    changed = numpy_helper.to_array(weight) * np.float32(factor)
    weight.CopyFrom(numpy_helper.from_array(changed, weight.name))
    return model


class TestOnnx(BackendContract):
    name = "onnx"

    @pytest.mark.parametrize("number", range(3))
    def test_one_projection_two_percent_larger_fails(self, convert, tmp_path, number):
        changed = scaled(convert(self.name, "coord"), f"features.{number}.project.conv", 1.02)
        onnx.save(changed, tmp_path / "changed.onnx")
        verdict = verdict_on(foreign(tmp_path / "changed.onnx", Recipe(model="tests.slices:coord")))
        assert not verdict
        failed = [one for one in verdict.cases if not one.passed]
        assert {"max_error", "snr", "cosine"} <= {one.metric for one in failed}
        assert {one.input for one in failed} >= {"natural", "noise"}
        assert all(one.value > one.limit for one in failed if one.metric == "max_error")

    def test_the_same_file_saved_again_passes(self, convert, tmp_path):
        onnx.save(scaled(convert(self.name, "coord"), "stem.conv", 1.0), tmp_path / "same.onnx")
        assert verdict_on(foreign(tmp_path / "same.onnx", Recipe(model="tests.slices:coord")))


class TestTFLite(BackendContract):
    name = "tflite"

    def test_cbam_as_people_write_it_converts(self, convert):
        artifact = convert(self.name, "their_cbam")
        verdict = verdict_on(artifact)
        assert verdict, failures(verdict)
        names = applied(artifact)
        assert names["adaptive-max-to-amax"] == tuple(f"{path}.peak" for path in ATTENTION)
        assert names["max-dim-to-amax"] == ATTENTION
        assert names["drop-expand"] == ATTENTION

    def test_cbam_as_people_write_it_is_refused_without_the_rewrite(self, convert):
        with pytest.raises(ExportError, match="adaptive_max_pool2d"):
            convert(self.name, "their_cbam", ("adaptive-max-to-amax",))

    def test_a_difference_from_a_constant_is_right(self, convert):
        artifact = convert(self.name, "one_minus")
        verdict = verdict_on(artifact)
        assert verdict, failures(verdict)
        assert applied(artifact)["sub-from-constant"] == ATTENTION

    def test_the_gate_sees_that_it_is_swapped_without_the_rewrite(self, convert):
        verdict = verdict_on(convert(self.name, "one_minus", ("sub-from-constant",)))
        assert not verdict
        failed = {(case.input, case.metric) for case in verdict.cases if not case.passed}
        assert ("natural", "max_error") in failed
        assert ("natural", "snr") in failed

    @pytest.mark.parametrize("fusion", ["aff", "iaff"])
    def test_fusions_are_right(self, convert, fusion):
        artifact = convert(self.name, fusion)
        verdict = verdict_on(artifact)
        assert verdict, failures(verdict)
        assert set(applied(artifact)["sub-from-constant"]) == {"features.0.fuse", "features.2.fuse"}


class TestExecuTorch(BackendContract):
    name = "executorch"

    @pytest.mark.parametrize("name", ["coord", "se"])
    def test_every_block_is_inside_one_delegate(self, convert, name):
        artifact = convert(self.name, name)
        assert artifact.delegation.outside == ()
        for path in ATTENTION:
            inside = [
                scope.delegate
                for scope in artifact.scopes
                if f"{scope.path}.".startswith(f"{path}.")
            ]
            assert len(inside) > 3
            assert len(set(inside)) == 1
            assert None not in inside

    def test_other_gates_are_inside_one_delegate(self, convert):
        artifact = convert(self.name, "Gates")
        assert artifact.delegation.outside == ()
        assert artifact.delegation.delegates == 1
        verdict = verdict_on(artifact)
        assert verdict, failures(verdict)

    def test_without_rewrites_coord_falls_out_and_the_report_says_where(self, convert):
        artifact = convert(self.name, "coord", ALL)
        assert artifact.rewrites == ()
        assert artifact.delegation.delegates > 1
        fallen = {one.path: one.operator for one in artifact.delegation.outside}
        assert set(ATTENTION) <= set(fallen)
        assert all(one.reason for one in artifact.delegation.outside)
        verdict = verdict_on(artifact)
        assert verdict, failures(verdict)

    def test_cbam_as_people_write_it_converts(self, convert):
        artifact = convert(self.name, "their_cbam")
        verdict = verdict_on(artifact)
        assert verdict, failures(verdict)
        assert applied(artifact)["max-dim-to-amax"] == ATTENTION

    def test_cbam_as_people_write_it_is_refused_without_the_rewrite(self, convert):
        with pytest.raises(ExportError, match="adaptive_max_pool2d"):
            convert(self.name, "their_cbam", ("adaptive-max-to-amax",))


class TestCoreML(BackendContract):
    name = "coreml"

    def test_every_operator_of_the_saved_program_is_listed(self, convert):
        kinds = [scope.operator for scope in convert(self.name, "coord").scopes]
        assert kinds.count("conv") == 1 + 3 * 3 + 3 * 3 + 1
        assert "linear" in kinds
        assert "const" not in kinds

    def test_numbers_are_float32_throughout(self, convert):
        assert "cast" not in {scope.operator for scope in convert(self.name, "se").scopes}


def test_every_backend_of_the_registry_is_tested():
    assert {one.name for one in BackendContract.__subclasses__()} == set(BACKENDS.names())


def test_formats_are_the_backends():
    assert list(FORMATS) == BACKENDS.names()
    assert len({one.suffix for one in FORMATS.values()}) == len(FORMATS)


def test_a_typo_gets_a_suggestion():
    with pytest.raises(UnknownName) as caught:
        BACKENDS.get("tflight")
    assert caught.value.hint == "did you mean 'tflite'?"


def test_what_cannot_be_traced_is_refused_in_one_line():
    with pytest.raises(ExportError, match=r"torch\.export cannot trace the model") as caught:
        trace(Untraceable().eval(), example())
    assert "\n" not in str(caught.value)
