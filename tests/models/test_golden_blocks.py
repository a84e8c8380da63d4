"""The blocks against what their authors' code, or timm's, computes, in float64."""

import numpy as np
import pytest
import torch

from attnbench_models import create_block, load_official
from tests.models.golden import arrays, entry, needs_golden, stored_state

pytestmark = needs_golden

MODULES = {
    "bam_c64": lambda: create_block("bam", 64),
    "triplet": lambda: create_block("triplet", 24),
    "ms_cam_c64_r4": lambda: create_block("ms-cam", 64),
    "eca_official_k3": lambda: create_block("eca", 64),
    "eca_official_k5": lambda: create_block("eca", 64, kernel=5),
    "lska_c32_k7": lambda: create_block("lska", 32, kernel=7),
    "lska_c32_k11": lambda: create_block("lska", 32, kernel=11),
    "lska_c32_k23": lambda: create_block("lska", 32),
    "cpca_c32": lambda: create_block("cpca", 32),
    "timm_eca_c64": lambda: create_block("eca", 64),
    "timm_gc_c64": lambda: create_block("gc", 64),
    "timm_sk_c64": lambda: create_block("sk", 64),
    "timm_nl_c64": lambda: create_block("nl", 64),
}


@pytest.mark.parametrize("name", MODULES)
def test_block_computes_what_the_reference_computes(name):
    module, data = MODULES[name](), arrays(name)
    load_official(module, stored_state(data))
    assert sum(p.numel() for p in module.parameters()) == entry(name)["params"]
    with torch.inference_mode():
        y = module.eval().double()(torch.from_numpy(data["input0"]).double()).numpy()
    assert np.abs(y - data["output_f64"]).max() < 1e-10
