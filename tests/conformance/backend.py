"""
What every backend must do. Subclass, name it, done.

    class TestOnnx(BackendContract):
        name = "onnx"
"""

from __future__ import annotations

import gc
import warnings
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import nn

from attnbench import artifacts
from attnbench.devices import DEVICES
from attnbench.errors import BadArtifact, ExportError
from attnbench.files import copy, digest
from attnbench.parity.inputs import standard_inputs
from attnbench.parity.matching import Declared
from attnbench.pipeline.foreign import foreign
from attnbench.pipeline.parity import Questions, verify
from attnbench.pipeline.reference import module_for, trace
from attnbench.records import TensorSpec, Verdict
from attnbench_models import Recipe
from tests.slices import ATTENTION, BLOCKS, SIZE, Refused


def verdict_on(artifact, questions: Questions | None = None) -> Verdict:
    """The gate's own verdict on an artifact, as `attnbench parity` reaches it."""
    return verify(artifact, (questions or Questions())(artifact), DEVICES.get("host"))


def failures(verdict: Verdict) -> list[str]:
    return [
        f"{one.input}: {one.metric} {one.value}, limit {one.limit}"
        for one in verdict.cases
        if not one.passed
    ]


def one_line(error: ExportError) -> bool:
    return "\n" not in str(error) and "\x1b" not in str(error) and len(str(error)) <= 400


def export(backend, program, example, folder):
    with warnings.catch_warnings(action="ignore"):  # converters warn of their own insides
        made = backend.export(program, example, folder / f"model{backend.format.suffix}")
        gc.collect()  # coremltools leaves a temporary folder to the garbage collector
        return made


@pytest.mark.usefixtures("converter")
class BackendContract:
    name: ClassVar[str]

    @pytest.fixture(params=BLOCKS)
    def block(self, request):
        return request.param

    @pytest.fixture
    def artifact(self, convert, block):
        return convert(self.name, block)

    def test_is_registered_under_its_own_name(self, converter):
        assert converter.format.name == self.name

    def test_computes_what_pytorch_computes(self, artifact, converter):
        if not (converter.format.engine or converter.format.program):
            pytest.skip(f"nothing here computes what {self.name} makes")
        verdict = verdict_on(artifact)
        assert verdict, failures(verdict)
        assert {one.input for one in verdict.cases} == set(standard_inputs(artifact.inputs))

    def test_says_what_goes_in_and_what_comes_out(self, artifact):
        assert artifact.inputs == (TensorSpec("float32", (1, 3, *SIZE)),)
        assert artifact.outputs == (TensorSpec("float32", (1, 10)),)

    def test_every_operator_has_a_module(self, artifact, block):
        assert artifact.scopes
        modules = {path for path, _ in module_for(artifact.recipe).named_modules()}
        unknown = [scope for scope in artifact.scopes if scope.path not in modules]
        assert unknown == []

    def test_every_block_has_an_operator(self, artifact, block):
        wanted = {"stem", "head", *(ATTENTION if block != "none" else ())}
        paths = {f"{scope.path}." for scope in artifact.scopes}
        assert {one for one in wanted if any(path.startswith(f"{one}.") for path in paths)} == (
            wanted
        )

    def test_the_blocks_are_the_models(self, artifact, block):
        attention = [one.path for one in artifact.blocks if one.kind == "attention"]
        assert attention == ([] if block == "none" else list(ATTENTION))

    def test_the_manifest_brings_the_same_artifact_back(self, artifact):
        artifacts.save_manifest(artifact)
        assert artifacts.load(Path(artifact.path)) == artifact
        assert digest(Path(artifact.path)) == artifact.sha256

    def test_a_second_export_is_located_alike(self, convert, convert_anew):
        first, second = convert(self.name, "coord"), convert_anew(self.name, "coord")
        assert second.scopes == first.scopes
        assert second.delegation == first.delegation
        assert second.rewrites == first.rewrites

    def test_leaves_the_model_as_it_was(self, converter, tmp_path):
        model = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU()).eval()
        example = (torch.randn(1, 3, 8, 8),)
        program = trace(model, example).module(check_guards=False)
        expected, code = model(*example), program.code
        before = {name: value.clone() for name, value in model.state_dict().items()}
        export(converter, program, example, tmp_path)
        assert program.code == code
        assert not model.training
        assert all(torch.equal(before[n], v) for n, v in model.state_dict().items())
        assert torch.equal(model(*example), expected)
        assert torch.equal(program(*example), expected)

    def test_refuses_in_one_line_what_it_cannot_convert(self, converter, tmp_path):
        example = (torch.randn(1, 3, 8, 8),)
        program = trace(Refused().eval(), example).module(check_guards=False)
        with pytest.raises(ExportError, match=f"^{self.name}: .*refused.*bessel_j0") as caught:
            export(converter, program, example, tmp_path)
        assert one_line(caught.value)
        assert caught.value.__cause__ is not None

    def test_a_file_without_manifest_is_judged_by_the_model_that_is_named(
        self, convert, converter, tmp_path
    ):
        if not (converter.format.engine or converter.format.program):
            pytest.skip(f"nothing here computes what {self.name} makes")
        theirs = tmp_path / f"theirs{converter.format.suffix}"
        copy(Path(convert(self.name, "coord").path), theirs)
        artifact = foreign(theirs, Recipe(model="tests.slices:coord"))
        assert (artifact.reference, artifact.scopes) == (None, ())
        assert artifact.recipe.size == SIZE
        verdict = verdict_on(artifact)
        assert verdict, failures(verdict)
        assert not verdict_on(foreign(theirs, Recipe(model="tests.slices:se")))
        with pytest.raises(BadArtifact, match=r"takes 32x24 pixels, not 64x64") as caught:
            foreign(theirs, Recipe(model="tests.slices:coord"), Declared(pixels=(64, 64)))
        assert "--size 32x24" in caught.value.hint
