"""Every block and MobileNetV2 against what the authors' code computes, in float64."""

import pytest

from attnbench_models import create_block, create_model
from attnbench_models.backbones.mobilenetv2 import InvertedResidual
from tests.models.golden import check_model, check_module, needs_golden

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
    check_module(name, MODULES[name]())


@pytest.mark.parametrize("name", MODELS)
def test_model_computes_what_the_authors_compute_stage_by_stage(name):
    model = MODELS[name]()
    stages = {f"features.{i + 1}": module for i, module in enumerate(model.features)}
    check_model(name, model, stages | {"features.0": model.stem, "conv": model.head.mix})
