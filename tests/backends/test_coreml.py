"""Parity of Core ML programs where Core ML is not: the saved package, computed in torch."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from attnbench.devices import DEVICES
from attnbench.errors import BadArtifact
from attnbench.files import copy
from attnbench.mlprogram import evaluate, load
from attnbench.mlprogram.schema import parse
from attnbench.pipeline.computed import judgeable
from attnbench.pipeline.foreign import foreign
from attnbench.pipeline.reference import module_for
from attnbench_models import Recipe
from tests.conformance.backend import failures, verdict_on
from tests.converting import converted
from tests.slices import SIZE

with warnings.catch_warnings(action="ignore"):  # its warnings are its own
    import coremltools as ct

MODEL = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"


def theirs(artifact, folder) -> Path:
    """A copy without a manifest, to be changed and judged."""
    path = folder / "theirs.mlpackage"
    copy(Path(artifact.path), path)
    return path


def test_the_verdict_says_that_no_runtime_ran(convert):
    verdict = verdict_on(convert("coreml", "coord"))
    assert verdict
    assert verdict.evidence == "program"
    assert verdict.notes[0].startswith("program verified, runtime not run")


@pytest.mark.parametrize("name", ["aff", "iaff", "one_minus", "their_cbam"])
def test_more_blocks_are_right(convert, name):
    verdict = verdict_on(convert("coreml", name))
    assert verdict, failures(verdict)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["seaformer-t", "seaformer-t-seg"])
def test_seaformer_is_right(backbone, tmp_path):
    artifact = converted(Recipe(backbone, "sea", size=(64, 64)), "coreml", tmp_path)
    verdict = verdict_on(artifact)
    assert verdict, failures(verdict)


def test_swapped_operands_fail(convert, tmp_path):
    path = theirs(convert("coreml", "one_minus"), tmp_path)
    model = parse(path / MODEL)
    function = model.mlProgram.functions["main"]
    operations = function.block_specializations[function.opset].operations
    differences = [one.inputs for one in operations if one.type == "sub"]
    assert differences
    for inputs in differences:
        x, y = (inputs[name].arguments[0].name for name in "xy")
        inputs["x"].arguments[0].name, inputs["y"].arguments[0].name = y, x
    (path / MODEL).write_bytes(model.SerializeToString())
    verdict = verdict_on(foreign(path, Recipe(model="tests.slices:one_minus")))
    assert not verdict
    assert verdict.notes[0].startswith("runtime not run: the saved program itself")


def test_one_damaged_weight_fails(convert, tmp_path):
    path = theirs(convert("coreml", "coord"), tmp_path)
    recipe = Recipe(model="tests.slices:coord")
    assert verdict_on(foreign(path, recipe))
    first = next(one for one in load(path).operations if one.kind == "conv")
    (name,) = first.inputs["weight"]
    largest = load(path).constants[name].abs().max().item()
    stored = np.fromfile(path / WEIGHTS, np.float32)
    (at,) = np.flatnonzero(np.abs(stored) == np.float32(largest))
    stored[at] *= -1
    stored.tofile(path / WEIGHTS)
    assert not verdict_on(foreign(path, recipe))


def test_a_package_that_is_not_whole_is_no_failed_gate(convert, tmp_path):
    path = theirs(convert("coreml", "coord"), tmp_path)
    (path / WEIGHTS).unlink()
    with pytest.raises(BadArtifact, match=r"weight\.bin: No such file"):
        foreign(path, Recipe(model="tests.slices:coord"))


def test_half_precision_comes_as_near_as_its_digits(tmp_path):
    """A result of 11 binary digits is off by 2 ** -11 at most, once for each operator."""
    module = module_for(Recipe(model="tests.slices:coord", size=SIZE))
    x = torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))
    path = tmp_path / "half.mlpackage"
    with warnings.catch_warnings(action="ignore"):
        made = ct.convert(
            torch.export.export(module, (x,)).run_decompositions({}),
            convert_to="mlprogram",
            compute_precision=ct.precision.FLOAT16,
            minimum_deployment_target=ct.target.iOS16,
            skip_model_load=True,
        )
        made.save(str(path))
        gc.collect()  # coremltools leaves a temporary folder to the garbage collector
    program = load(path)
    kinds = {one.dtype for operation in program.operations for one in operation.outputs}
    assert torch.float16 in kinds
    (found,) = evaluate(program, [x.numpy()])
    with torch.inference_mode():
        expected = module(x).numpy()
    error = np.abs(found - expected).max() / np.ptp(expected)
    assert 2**-20 < error < len(program.operations) * 2**-11


def test_no_device_computes_a_program(convert):
    artifact = convert("coreml", "coord")
    assert judgeable(artifact, DEVICES.get("host"))
    assert not judgeable(artifact, DEVICES.get("pixel4"))
