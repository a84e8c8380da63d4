"""SeaFormer, its blocks and its positions against what the authors' code computes, in float64."""

import pytest

from attnbench_models import create_block, create_model, load_official
from attnbench_models.backbones.seaformer.trunk import MIXER, Mixer
from attnbench_models.blocks.sea import interpolated
from attnbench_models.layout import Layout, inside
from tests.models.golden import (
    arrays,
    check_model,
    check_module,
    check_output,
    entry,
    needs_golden,
    stored_state,
)

pytestmark = needs_golden


class AuthorsBlock(Mixer):
    """A mixer by itself, which the authors call a block."""

    def layouts(self):
        (inner,) = self.attention.LAYOUTS
        return (Layout("fudan-zvg/SeaFormer", MIXER | inside("attention", "attn", inner)),)


def sea(place):
    return create_block("sea", place.channels, key_dim=8)


@pytest.mark.parametrize("name", ["sea_posemb_n16", "sea_posemb_n7"])
def test_positions_are_interpolated_as_the_authors_do(name):
    data = arrays(name)
    positions = stored_state(data)["pos_embed"].double()

    def along_rows(x):
        strip = x.unsqueeze(3)
        return (strip + interpolated(positions, like=strip)).squeeze(3)

    check_output(along_rows, data)


def test_attention_adds_what_the_authors_compute():
    name = "sea_attn_d64_k8_h4_n16"
    block = create_block("sea", 64, key_dim=8, heads=4)
    load_official(block, stored_state(arrays(name)))
    assert sum(p.numel() for p in block.parameters()) == entry(name)["params"]
    block.eval().double()
    check_output(lambda x: block(x) - x, arrays(name))


def test_mixer_computes_what_the_authors_compute():
    check_module("sea_block_d64", AuthorsBlock(64, 2, 0, sea))


def test_model_computes_what_the_authors_compute_stage_by_stage():
    model = create_model("seaformer-t")
    stages = {f"smb{i + 1}": stage.residuals for i, stage in enumerate(model.trunk.stages)}
    stages |= {f"trans{i + 1}": model.trunk.stages[i + 3].mixers for i in range(2)}
    layout = check_model("model_seaformer_t", model, stages)
    assert layout == "fudan-zvg/SeaFormer seaformer-cls"
