"""MobileNeXt and MobileNetV3's gate against what the authors' code computes, in float64."""

import numpy as np
import pytest
import torch

from attnbench_models import create_block, create_model, load_official
from attnbench_models.backbones.layers import rounded
from attnbench_models.backbones.mobilenext import Sandglass
from attnbench_models.layout import Layout
from tests.models.golden import arrays, entry, filled_state, needs_golden, stored_state

pytestmark = needs_golden


class Named(Sandglass):
    """A sandglass that knows the authors' names by itself; in the model it is their features.N."""

    def layouts(self):
        return (Layout("theirs", self.renames()),)


MODULES = {
    "sg_32_96_s2_t2": lambda: Named(32, 96, stride=2, reduction=2),
    "sg_144_192_s2_t6": lambda: Named(144, 192, stride=2, reduction=6),
    "sg_192_192_s1_t6": lambda: Named(192, 192, stride=1, reduction=6),
    "se_mbv3_c72": lambda: create_block("se", 72, hidden=rounded(72 // 4), gate="hard-sigmoid"),
}


@pytest.mark.parametrize("name", MODULES)
def test_module_computes_what_the_authors_compute(name):
    module, data = MODULES[name](), arrays(name)
    load_official(module, stored_state(data))
    assert sum(p.numel() for p in module.parameters()) == entry(name)["params"]
    with torch.inference_mode():
        y = module.eval().double()(torch.from_numpy(data["input0"]).double()).numpy()
    assert np.abs(y - data["output_f64"]).max() < 1e-10


def test_mobilenext_computes_what_the_authors_compute_stage_by_stage():
    name = "model_mnext_w1.0"
    model, data = create_model("mobilenext").eval(), arrays(name)
    assert load_official(model, filled_state(name)) == "zhoudaquan/rethinking_bottleneck_design"
    image = np.random.RandomState(1234).standard_normal((1, 3, 224, 224)).astype(np.float32)
    y32, stages32 = run_in_stages(model, torch.from_numpy(image))
    y64, stages64 = run_in_stages(model.double(), torch.from_numpy(image).double())
    expected = data["output_f64"]
    assert np.abs(y64 - expected).max() < 1e-9 * np.abs(expected).max()
    assert np.abs(y32 - expected).max() < 10 * entry(name)["f32_vs_f64_maxabs"]
    assert len(stages64) == 2 * 21
    for stage, value in stages64.items():  # theirs are float32: as far off as ours in float32
        gap = np.abs(stages32[stage] - value).max()
        assert np.abs(data[stage] - value).max() <= 10 * gap, stage


def run_in_stages(model, image):
    seen = {}
    with torch.inference_mode():
        y = model.stem(image)
        for i, unit in enumerate([torch.nn.Identity(), *model.features]):
            y = unit(y)
            seen[f"featmean/features.{i}"] = y.mean((2, 3)).numpy()
            seen[f"featmax/features.{i}"] = y.amax((2, 3)).numpy()
        return model.head(y).numpy(), seen
