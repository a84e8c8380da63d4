"""Every block and MobileNetV2 against what the authors' code computes, in float64."""

import numpy as np
import pytest
import torch

from attnbench_models import create_block, create_model, load_official
from attnbench_models.backbones.mobilenetv2 import InvertedResidual
from tests.models.golden import arrays, entry, filled_state, needs_golden, stored_state

pytestmark = needs_golden


def residual_with_coord(inputs, outputs, expansion):
    return InvertedResidual(
        inputs,
        outputs,
        stride=1,
        expansion=expansion,
        attention=lambda p: create_block("coord", p.channels) if p.role == "expanded" else None,
    )


MODULES = {
    "coordatt_c32_r32": lambda: create_block("coord", 32),
    "coordatt_c96_r32": lambda: create_block("coord", 96),
    "coordatt_c64_r4": lambda: create_block("coord", 64, reduction=4),
    "se_c64_r16": lambda: create_block("se", 64, bias=False),
    "se_ca_authors_c144": lambda: create_block("se", 144, reduction=24, activation="relu6"),
    "cbam_c64_r16": lambda: create_block("cbam", 64),
    "nam_channel_c64": lambda: create_block("nam", 64),
    "ir_ca_24_24_s1_t6": lambda: residual_with_coord(24, 24, 6),
    "ir_ca_32_16_s1_t1": lambda: residual_with_coord(32, 16, 1),
}
MODELS = {
    "model_mbv2_w1.0": lambda: create_model("mobilenetv2"),
    "model_mbv2_w0.75": lambda: create_model("mobilenetv2", width=0.75),
    "model_mbv2_ca_w1.0": lambda: create_model("mobilenetv2", "coord"),
}


@pytest.mark.parametrize("name", MODULES)
def test_module_computes_what_the_authors_compute(name):
    module, data = MODULES[name](), arrays(name)
    load_official(module, stored_state(data))
    assert sum(p.numel() for p in module.parameters()) == entry(name)["params"]
    with torch.inference_mode():
        y = module.eval().double()(torch.from_numpy(data["input0"]).double()).numpy()
    assert np.abs(y - data["output_f64"]).max() < 1e-10


@pytest.mark.parametrize("name", MODELS)
def test_model_computes_what_the_authors_compute_stage_by_stage(name):
    model, data = MODELS[name](), arrays(name)
    load_official(model, filled_state(name))
    model.eval()
    image = np.random.RandomState(1234).standard_normal((1, 3, 224, 224)).astype(np.float32)
    y32, stages32 = run_in_stages(model, torch.from_numpy(image))
    y64, stages64 = run_in_stages(model.double(), torch.from_numpy(image).double())
    expected = data["output_f64"]
    assert np.abs(y64 - expected).max() < 1e-9 * np.abs(expected).max()
    assert np.abs(y32 - expected).max() < 10 * entry(name)["f32_vs_f64_maxabs"]
    assert len(stages64) == 2 * 19
    for stage, value in stages64.items():  # theirs are float32: as far off as ours in float32
        gap = np.abs(stages32[stage] - value).max()
        assert np.abs(data[stage] - value).max() <= 10 * gap, stage


def run_in_stages(model, image):
    stages = {f"features.{i + 1}": module for i, module in enumerate(model.features)}
    stages |= {"features.0": model.stem, "conv": model.head.mix}
    seen = {}

    def note(stage, y):
        seen[f"featmean/{stage}"] = y.mean((2, 3)).numpy()
        seen[f"featmax/{stage}"] = y.amax((2, 3)).numpy()

    hooks = [
        module.register_forward_hook(lambda _, __, y, stage=stage: note(stage, y))
        for stage, module in stages.items()
    ]
    with torch.inference_mode():
        y = model(image).numpy()
    for hook in hooks:
        hook.remove()
    return y, seen
