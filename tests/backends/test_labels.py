"""Labels of pixels, which are integers, through every converter, runtime and the gate."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from attnbench.backends import FORMATS
from attnbench.devices import DEVICES
from attnbench.pipeline.parity import ask, verify
from attnbench.pipeline.reference import reference_of
from attnbench.records import TensorSpec
from attnbench_models import Recipe
from tests.conformance.backend import failures
from tests.converting import converted

SIZE = (40, 56)
RUN = [name for name, one in FORMATS.items() if one.engine]


class Labelling(nn.Module):
    """Coarse logits, a resize to the image and the largest of each pixel."""

    def __init__(self, *, aligned: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.aligned = aligned
        self.coarse = nn.Conv2d(3, 7, 8, stride=8)
        self.labels = Argmax()

    def scores(self, x):
        return functional.interpolate(
            self.coarse(x), size=x.shape[2:], mode="bilinear", align_corners=self.aligned
        )

    def forward(self, x):
        return self.labels(self.scores(x))


class Argmax(nn.Module):
    def forward(self, x):
        return x.argmax(dim=1)


def labelling() -> nn.Module:
    return Labelling(aligned=False)


def aligned() -> nn.Module:
    return Labelling(aligned=True)


def artifact_of(factory, backend, folder):
    recipe = Recipe(model=f"tests.backends.test_labels:{factory.__name__}", size=SIZE)
    return converted(recipe, backend, folder)


@pytest.mark.slow
@pytest.mark.parametrize("backend", RUN)
def test_labels_are_those_of_pytorch(backend, tmp_path):
    artifact = artifact_of(labelling, backend, tmp_path)
    width = "int32" if backend == "tflite" else "int64"  # litert-torch halves integers
    assert artifact.outputs == (TensorSpec(width, (1, *SIZE)),)
    verdict = verify(artifact, ask(reference_of(artifact), artifact), DEVICES.get("host"))
    assert failures(verdict) == []
    assert {case.metric for case in verdict.cases} == {"mislabelled", "ties"}


@pytest.mark.slow
@pytest.mark.parametrize("backend", RUN)
def test_a_resize_that_aligns_corners_fails(backend, tmp_path):
    artifact = artifact_of(aligned, backend, tmp_path)
    verdict = verify(artifact, ask(labelling(), artifact), DEVICES.get("host"))
    assert any("natural: mislabelled" in line for line in failures(verdict))
