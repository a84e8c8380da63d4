"""Blocks that are made for one map get its size from the model."""

import pytest
import torch

from attnbench_models import ModelError, Recipe, create_block, create_model
from attnbench_models.build import build

ODD = """
from torch import nn

class Odd(nn.Module):
    def __init__(self, channels, size=3, width=1, num_classes=0):
        super().__init__()
        self.given = size, width, num_classes

    def forward(self, x):
        return x
"""


@pytest.mark.parametrize("size", [(64, 48), (33, 70)])
def test_each_place_gets_the_size_of_its_own_map(size):
    model = create_model("mobilenetv2", "nam-spatial", num_classes=3, size=size).eval()
    seen = {}
    for name, residual in model.features.named_children():
        if residual.attention is not None:
            residual.attention.register_forward_pre_hook(
                lambda _, x, name=name: seen.update({name: x[0].shape[2:].numel()})
            )
    with torch.inference_mode():
        assert model(torch.zeros(2, 3, *size)).shape == (2, 3)
    pixels = {
        name: residual.attention.norm.num_features
        for name, residual in model.features.named_children()
        if residual.attention is not None
    }
    assert pixels == seen
    assert len(set(pixels.values())) > 3


def test_a_backbones_own_size_is_the_default():
    first = create_model("mobilenetv2", "nam-spatial", num_classes=3).features[1].attention
    assert first.norm.num_features == 56 * 56


def test_finding_the_sizes_draws_nothing():
    states = []
    for block in ("none", "ge"):  # neither has weights
        torch.manual_seed(0)
        create_model("mobilenetv2", block, num_classes=3)
        states.append(torch.get_rng_state())
    assert torch.equal(*states)


def test_a_recipe_says_the_size():
    model = build(Recipe(block="nam-both", size=(32, 40), num_classes=3))
    assert model.features[1].attention.spatial.norm.num_features == 8 * 10
    assert model(torch.zeros(1, 3, 32, 40)).shape == (1, 3)


@pytest.mark.parametrize("size", [None, 14, (14,), (14, 0), (14.0, 9)])
def test_a_size_is_a_height_and_a_width(size):
    with pytest.raises(ModelError, match="size must be"):
        create_block("nam-spatial", 8, size=size)


def test_what_is_made_for_one_size_takes_no_other():
    block = create_block("nam-spatial", 8, size=(14, 9)).eval()
    with pytest.raises(RuntimeError, match="126"):
        block(torch.zeros(1, 8, 14, 10))


def test_other_blocks_have_no_size():
    with pytest.raises(ModelError, match="se has no option size"):
        create_block("se", 8, size=(14, 9))


def test_the_size_of_a_listed_block_is_no_option():
    with pytest.raises(ModelError, match="is that of the map"):
        build(Recipe(block="nam-spatial", size=(32, 40), options={"size": 14}))


def test_a_block_of_ones_own_may_have_options_of_any_name(tmp_path):
    source = tmp_path / "odd.py"
    source.write_text(ODD)
    options = {"size": 5, "width": 2, "num_classes": 3}
    recipe = Recipe(block=f"{source}:Odd", size=(32, 32), num_classes=7, options=options)
    model = build(recipe)
    assert model.features[1].attention.given == (5, 2, 3)
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 7)
