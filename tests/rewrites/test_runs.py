"""Forms for Arm alone, exported and run: they compute the same, in one delegate, block by block."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from attnbench.attribution.places import residual
from attnbench.attribution.runtimes import runtime
from attnbench.backends import format_of
from attnbench.devices import DEVICES
from attnbench.parity.inputs import standard_inputs
from attnbench.pipeline.computed import outputs_of
from attnbench.pipeline.export import Request, export
from attnbench.pipeline.reference import reference_of
from attnbench.progress import Silent
from attnbench.runner import Job, measure_paired
from attnbench_models import Recipe, create_block
from attnbench_models.backbones.layers import conv_norm

FORMS = {
    "tflite": {"gate-into-projection", "rows-then-columns"},
    "executorch": {"channels-to-pools", "joined-before-turned", "rows-then-columns"},
}


def gated() -> nn.Module:
    """Squeeze-and-excitation before a projection of many pixels, and CBAM."""
    torch.manual_seed(0)
    return nn.Sequential(
        conv_norm(3, 32, 3, stride=2),
        create_block("se", 32),
        nn.Conv2d(32, 4, 1),
        create_block("cbam", 4),
    )


@pytest.mark.parametrize("backend", FORMS)
def test_a_form_for_arm_computes_the_same_and_every_kernel_has_its_place(backend, tmp_path):
    recipe = Recipe(model="tests.rewrites.test_runs:gated", size=(48, 40))
    request = Request(recipe, (backend,), tmp_path, target="aarch64")
    (artifact,) = export(request, Silent()).artifacts
    assert {one.name for one in artifact.rewrites} >= FORMS[backend]
    assert (artifact.delegation.delegates, artifact.delegation.outside) == (1, ())

    inputs = standard_inputs(artifact.inputs)["natural"]
    with torch.inference_mode():
        wanted = reference_of(artifact)(torch.from_numpy(inputs[0])).numpy()
    ((got,),) = outputs_of(artifact, [inputs], DEVICES.get("host"))
    assert abs(got - wanted).max() < 1e-5 * (wanted.max() - wanted.min())

    job = Job(str(format_of(backend).engine), Path(artifact.path), artifact.sha256)
    _, trace = measure_paired(job, inputs, warmup=0, iterations=1)
    places = runtime(trace.engine).locate(trace, artifact).places
    assert residual("unattributed") not in places
    assert {place.block for place in places} >= {"1", "3"}
