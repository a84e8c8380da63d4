"""Odd sizes, batches, and results of several tensors, in every format."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import onnx
import pytest
import torch
from torch import Tensor, nn

from attnbench.backends import FORMATS
from attnbench.errors import BadModel
from attnbench.pipeline.parity import Questions
from attnbench.pipeline.reference import example_for, module_for
from attnbench_models import Recipe
from tests.conformance.backend import failures, verdict_on
from tests.converting import converted

ODD = [(224, 160), (225, 161), (320, 320), (512, 512)]
MODELS = {
    "mobilenetv2": Recipe("mobilenetv2", "coord", width=0.25, num_classes=10),
    "resnet18": Recipe("resnet18", num_classes=10),
    "yolov5s": Recipe("yolov5s", "coord", width=0.25, num_classes=4),
    "yolov8n": Recipe("yolov8n", "coord", width=0.5, num_classes=4),
}
SLICE = Recipe(model="tests.slices:coord", size=(32, 24))


class Three(NamedTuple):
    """In no alphabetical order."""

    zebra: Tensor
    apple: Tensor
    mango: Tensor


class Several(nn.Module):
    """Three tensors of one shape, which only their values tell apart; the first is used twice."""

    def __init__(self, make=Three) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.make = make

    def forward(self, x):
        y = self.conv(x)
        return self.make(y, y.sigmoid(), 2 * y + 1)


class Own(nn.Module):
    """A model that brings inputs of its own."""

    def forward(self, x):
        return x * 2

    def example_inputs(self):
        return (torch.ones(3, 2),)


def nested():
    return Several(lambda a, b, c: {"z": a, "a": [b, c]})


@pytest.fixture(scope="module")
def questions(name, size):
    """PyTorch is asked once for all formats of a model and size."""
    return Questions()


def judged(recipe, backend, folder, questions=None):
    """The artifact, after it was held to PyTorch."""
    artifact = converted(recipe, backend, folder)
    verdict = verdict_on(artifact, questions)
    assert verdict, failures(verdict)
    return artifact


@pytest.mark.full
@pytest.mark.parametrize("backend", FORMATS)
@pytest.mark.parametrize("size", ODD, ids=lambda size: f"{size[0]}x{size[1]}", scope="module")
@pytest.mark.parametrize("name", MODELS, scope="module")
def test_odd_sizes_deploy(name, size, backend, questions, tmp_path):
    artifact = judged(replace(MODELS[name], size=size), backend, tmp_path, questions)
    assert artifact.inputs[0].shape == (1, 3, *size)


@pytest.mark.full
@pytest.mark.parametrize("backend", FORMATS)
@pytest.mark.parametrize("size", [(64, 96)], ids=["64x96"], scope="module")
@pytest.mark.parametrize("name", MODELS, scope="module")
def test_batches_deploy(name, size, backend, questions, tmp_path):
    recipe = replace(MODELS[name], size=size, batch=3)
    artifact = judged(recipe, backend, tmp_path, questions)
    assert artifact.inputs[0].shape == (3, 3, 64, 96)
    assert all(output.shape[0] == 3 for output in artifact.outputs)


@pytest.mark.parametrize("backend", FORMATS)
def test_a_batch_of_an_odd_size_deploys(backend, tmp_path):
    artifact = judged(replace(SLICE, size=(41, 23), batch=2), backend, tmp_path)
    assert artifact.inputs[0].shape == (2, 3, 41, 23)
    assert artifact.outputs[0].shape == (2, 10)
    assert artifact.recipe.name.endswith("-b2")


@pytest.mark.parametrize("backend", FORMATS)
@pytest.mark.parametrize("make", ["Several", "nested"])
def test_outputs_keep_their_order(make, backend, tmp_path):
    recipe = Recipe(model=f"tests.backends.test_shapes:{make}", size=(9, 8))
    artifact = judged(recipe, backend, tmp_path)
    assert [output.shape for output in artifact.outputs] == [(1, 4, 7, 6)] * 3
    assert artifact.output_names == (Three._fields if make == "Several" else ())


def test_onnx_outputs_have_the_models_names(tmp_path):
    recipe = Recipe(model="tests.backends.test_shapes:Several", size=(9, 8))
    artifact = converted(recipe, "onnx", tmp_path)
    graph = onnx.load(artifact.path).graph
    assert [output.name for output in graph.output] == list(Three._fields)
    assert {case.input for case in verdict_on(artifact).cases} >= {
        f"noise[{name}]" for name in Three._fields
    }


def test_inputs_of_a_models_own_have_their_own_batch():
    recipe = Recipe(model="tests.backends.test_shapes:Own", batch=2)
    with pytest.raises(BadModel, match="no batch of 2") as caught:
        example_for(recipe, module_for(recipe))
    assert "--batch" in caught.value.hint
    assert example_for(replace(recipe, batch=3), module_for(recipe))[0].shape == (3, 2)
