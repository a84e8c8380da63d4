"""Fusions: their contract, their formulas, the authors' outputs, and where they go."""

import numpy as np
import pytest
import torch
from torch import nn

from attnbench_models import ModelError, block_paths, create_block, create_model
from attnbench_models.blocks import BLOCKS
from tests.conformance.fusion import FusionContract
from tests.models.golden import check_module, needs_golden
from tests.models.test_blocks import batch_norm, pointwise, sigmoid


class TestAFF(FusionContract):
    block = "aff"
    gain = 2


class TestIAFF(FusionContract):
    block = "iaff"


def test_every_registered_fusion_is_held_to_the_contract():
    tested = {cls.block for cls in FusionContract.__subclasses__()}
    assert tested == {name for name, entry in BLOCKS.items() if entry.kind == "fusion"}


def context(s, x, *, local, whole):
    def branch(name, t):
        hidden = np.maximum(batch_norm(s, f"{name}.1", pointwise(s, f"{name}.0", t)), 0)
        return batch_norm(s, f"{name}.4", pointwise(s, f"{name}.3", hidden))

    return sigmoid(branch(local, x) + branch(whole, x.mean((2, 3), keepdims=True)))


def aff(s, x, residual):
    w = context(s, x + residual, local="context.local", whole="context.whole")
    return 2 * (x * w + residual * (1 - w))


def iaff(s, x, residual, whole="second.whole"):
    w = context(s, x + residual, local="first.local", whole="first.whole")
    first = x * w + residual * (1 - w)
    w = context(s, first, local="second.local", whole=whole)
    return x * w + residual * (1 - w)


def iaff_of_the_port(s, x, residual):
    return iaff(s, x, residual, whole="first.whole")


FORMULAS = {
    "aff": (aff, "aff", {}),
    "aff of 16": (aff, "aff", {"reduction": 16}),
    "iaff": (iaff, "iaff", {}),
    "iaff of the port": (iaff_of_the_port, "iaff", {"second_whole": "first"}),
}


@pytest.mark.parametrize("case", FORMULAS)
def test_fusion_is_its_formula(case):
    formula, name, options = FORMULAS[case]
    rng = np.random.default_rng(0)
    fusion = create_block(name, 48, **options).eval().double()
    state = {k: rng.normal(0, 0.3, v.shape) for k, v in fusion.state_dict().items() if v.dim()}
    state |= {k: v**2 + 0.5 for k, v in state.items() if k.endswith("running_var")}
    fusion.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, strict=False)
    pair = 3 * rng.standard_normal((2, 2, 48, 7, 10))
    with torch.inference_mode():
        y = fusion(*torch.from_numpy(pair)).numpy()
    assert np.abs(y - formula(state, *pair)).max() < 1e-12 * np.abs(pair).max()


GOLDEN = {
    "aff_c64_r4": lambda: create_block("aff", 64),
    "iaff_c64_r4_mxnet_semantics": lambda: create_block("iaff", 64),
    "iaff_c64_r4_asis": lambda: create_block("iaff", 64, second_whole="first"),
}


@needs_golden
@pytest.mark.parametrize("name", GOLDEN)
def test_fusion_computes_what_the_authors_compute(name):
    assert check_module(name, GOLDEN[name]()) == "YimianDai/open-aff"


class Larger(nn.Module):
    """A user's own: the larger of the two."""

    def __init__(self, channels):
        super().__init__()

    def forward(self, x, residual):
        return torch.maximum(x, residual)


class Cuts(Larger):
    def forward(self, x, residual):
        return (x + residual)[:, 1:]


@pytest.mark.parametrize("backbone", ["mobilenetv2", "resnet18", "resnet18-fpn"])
def test_a_users_own_fusion_takes_the_places_of_fusions(backbone):
    model = create_model(backbone, Larger, num_classes=3).eval()
    places = [path for path, kind in block_paths(model) if kind == "attention"]
    assert places == [
        path
        for path, kind in block_paths(create_model(backbone, "aff", num_classes=3))
        if kind == "attention"
    ]
    assert all(isinstance(model.get_submodule(path), Larger) for path in places)


def test_a_fusion_keeps_the_shape():
    with pytest.raises(ModelError, match=r"Cuts makes \(1, 7, 12, 10\) of \(1, 8, 12, 10\)"):
        create_block(Cuts, 8)


def test_a_fusion_needs_a_backbone_that_adds():
    with pytest.raises(ModelError, match="has no place for a fusion, which aff is") as caught:
        create_model("yolov5s", "aff")
    assert "coord" in caught.value.hint
