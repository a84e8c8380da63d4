"""MobileNeXt and MobileNetV3's gate against what the authors' code computes, in float64."""

import pytest

from attnbench_models import create_block, create_model
from attnbench_models.backbones.layers import rounded
from attnbench_models.backbones.mobilenext import Sandglass
from attnbench_models.layout import Layout
from tests.models.golden import check_model, check_module, needs_golden

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
    check_module(name, MODULES[name]())


def test_mobilenext_computes_what_the_authors_compute_stage_by_stage():
    model = create_model("mobilenext")
    stages = {f"features.{i}": module for i, module in enumerate([model.stem, *model.features])}
    layout = check_model("model_mnext_w1.0", model, stages)
    assert layout == "zhoudaquan/rethinking_bottleneck_design"
