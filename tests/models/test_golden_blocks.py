"""The blocks against what their authors' code, or timm's, computes, in float64."""

import pytest

from attnbench_models import create_block
from tests.models.golden import check_module, needs_golden

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
    check_module(name, MODULES[name]())
