"""Labels and logits of pixels, and what a resize that is off by half a pixel does to them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from attnbench.parity.cases import Expected, Margins
from attnbench.parity.judge import judge
from attnbench.parity.limits import limits_for
from attnbench.pipeline.parity import _expected
from attnbench_models import calibrate, create_model
from attnbench_models.natural import natural_images

LIMIT = limits_for("onnx", "fp32")
SIZE = (64, 96)


def logits(*, own=1e-6):
    """Two classes over a row of pixels, ever surer of the first; float32 is `own` away."""
    double = np.stack([np.linspace(0, 1, 1000), np.zeros(1000)])[None, :, None, :]
    return (double + own).astype(np.float32), double


def labels(single):
    return single.argmax(1)


def cases(got, *, own=1e-6, sure=True):
    single, double = logits(own=own)
    margins = Margins.between(single, double) if sure else None
    expected = Expected("noise", (labels(single),), (labels(double),), margins)
    return {case.metric: case for case in judge(expected, [got], LIMIT, "segmentation")}


def test_equal_labels_pass():
    found = cases(labels(logits()[0]))
    assert set(found) == {"mislabelled", "ties"}
    assert all(case.passed and case.value == 0 for case in found.values())


def test_margins_are_shares_of_the_range():
    single, double = logits()
    margins = Margins.between(single, double)
    assert margins.of.shape == (1, 1, 1000)
    assert margins.of[0, 0] == pytest.approx(np.linspace(0, 1, 1000))
    assert margins.own == pytest.approx(1e-6, rel=0.1)


@pytest.mark.parametrize(("pixel", "passes"), [(1, True), (30, True), (40, False), (999, False)])
def test_a_pixel_may_flip_only_where_float32_does_not_decide(pixel, passes):
    own = 1e-3  # twice sixteen times that is 0.032 of the range: the first 33 pixels are ties
    got = labels(logits(own=own)[0])
    got[0, 0, pixel] = 1 - got[0, 0, pixel]
    found = cases(got, own=own)
    assert found["mislabelled"].passed == passes
    assert found["ties"].value == (0.001 if passes else 0)
    assert found["ties"].limit == pytest.approx(0.033, abs=0.002)


def test_without_margins_every_pixel_counts():
    got = labels(logits()[0])
    got[0, 0, 0] = 1 - got[0, 0, 0]
    assert not cases(got, sure=False)["mislabelled"].passed


def test_another_integer_type_is_no_difference():
    assert cases(labels(logits()[0]).astype(np.int32))["mislabelled"].passed


class Cornered(nn.Module):
    """A resize that aligns the corner pixels' centres: the usual mistake."""

    def forward(self, logits, image):
        return functional.interpolate(
            logits, size=image.shape[2:], mode="bilinear", align_corners=True
        )


class Shifted(nn.Module):
    """A resize that takes pixels for points: everything is half a source pixel off."""

    def forward(self, logits, image):
        (height, width), scale = logits.shape[2:], image.shape[2] // logits.shape[2]
        rows = (torch.arange(image.shape[2]) / scale).to(logits.dtype).clamp(max=height - 1)
        columns = (torch.arange(image.shape[3]) / scale).to(logits.dtype).clamp(max=width - 1)
        grid = torch.stack(
            torch.meshgrid(columns / (width - 1), rows / (height - 1), indexing="xy"), -1
        )
        return functional.grid_sample(logits, 2 * grid[None] - 1, align_corners=True)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    made = create_model("seaformer-t-seg")
    calibrate(made, SIZE, 0)
    return made


def verdict(model, output, changed=None):
    """Cases of one end of the model, with another resize in place of its own."""
    twin = create_model(f"seaformer-t-{output}").eval()
    twin.load_state_dict(model.state_dict())
    image = natural_images(1, SIZE, 1).numpy()
    expected = _expected("natural", twin, twin_in_float64(model, output), [image])
    twin.resize = changed or twin.resize
    with torch.inference_mode():
        got = twin(torch.from_numpy(image)).numpy()
    return {case.metric: case for case in judge(expected, [got], LIMIT, "segmentation")}


def twin_in_float64(model, output):
    twin = create_model(f"seaformer-t-{output}").eval()
    twin.load_state_dict(model.state_dict())
    return twin.double()


@pytest.mark.parametrize("output", ["seg", "seg-logits"])
def test_the_model_agrees_with_itself(model, output):
    found = verdict(model, output)
    assert all(case.passed for case in found.values())
    assert found["ties"].limit < 0.02  # few pixels are ties, so the gate sees nearly all


@pytest.mark.parametrize("output", ["seg", "seg-logits"])
@pytest.mark.parametrize("changed", [Cornered, Shifted])
def test_a_resize_that_is_off_by_part_of_a_pixel_fails(model, output, changed):
    found = verdict(model, output, changed())
    assert not found["mislabelled"].passed
    assert found["mislabelled"].value > 0.01
