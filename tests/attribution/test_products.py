"""Axial attention has products whose transposes runtimes fold, split and move: all have a place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from attnbench.attribution.places import residual
from attnbench.attribution.runtimes import runtime
from attnbench.backends import FORMATS
from attnbench.parity.inputs import standard_inputs
from attnbench.runner import ENGINES, Job, measure_paired
from attnbench_models import Recipe, create_block
from attnbench_models.backbones.layers import conv_norm
from tests.converting import converted


def axial() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        conv_norm(3, 32, 3, stride=2),
        create_block("sea", 32),
        conv_norm(32, 32, 1),
        create_block("sea", 32),
    )


@pytest.mark.slow
@pytest.mark.parametrize("backend", [name for name, one in FORMATS.items() if one.engine])
def test_every_event_has_a_place(backend, tmp_path):
    recipe = Recipe(model="tests.attribution.test_products:axial", size=(48, 40))
    artifact = converted(recipe, backend, tmp_path)
    job = Job(FORMATS[backend].engine, Path(artifact.path), artifact.sha256)
    graph = tmp_path / "ran.onnx" if ENGINES[job.engine].saves_graph else None
    inputs = standard_inputs(artifact.inputs)["natural"]
    _, trace = measure_paired(job, inputs, warmup=0, iterations=2, graph=graph)
    places = runtime(trace.engine).locate(trace, artifact).places
    assert residual("unattributed") not in places
    assert {place.block for place in places} >= {"1", "3"}
