"""SeaFormer, its blocks and its positions against what the authors' code computes, in float64."""

import numpy as np
import pytest
import torch

from attnbench_models import create_block, create_model, load_official
from attnbench_models.backbones.seaformer.trunk import MIXER, Mixer
from attnbench_models.blocks.sea import interpolated
from attnbench_models.layout import Layout, inside
from tests.models.golden import arrays, entry, filled_state, needs_golden, stored_state

pytestmark = needs_golden


class AuthorsBlock(Mixer):
    """A mixer by itself, which the authors call a block."""

    def layouts(self):
        (inner,) = self.attention.LAYOUTS
        return (Layout("fudan-zvg/SeaFormer", MIXER | inside("attention", "attn", inner)),)


def sea(place):
    return create_block("sea", place.channels, key_dim=8)


def check(y, data):
    assert np.abs(y.numpy() - data["output_f64"]).max() < 1e-10


@pytest.mark.parametrize("name", ["sea_posemb_n16", "sea_posemb_n7"])
def test_positions_are_interpolated_as_the_authors_do(name):
    data = arrays(name)
    x = torch.from_numpy(data["input0"]).double().unsqueeze(3)
    positions = stored_state(data)["pos_embed"].double()
    check((x + interpolated(positions, like=x)).squeeze(3), data)
    check((x + interpolated(positions, like=x)).transpose(2, 3).squeeze(2), data)


def test_attention_adds_what_the_authors_compute():
    data = arrays("sea_attn_d64_k8_h4_n16")
    block = create_block("sea", 64, key_dim=8, heads=4)
    load_official(block, stored_state(data))
    assert sum(p.numel() for p in block.parameters()) == entry("sea_attn_d64_k8_h4_n16")["params"]
    x = torch.from_numpy(data["input0"]).double()
    with torch.inference_mode():
        check(block.eval().double()(x) - x, data)


def test_mixer_computes_what_the_authors_compute():
    data = arrays("sea_block_d64")
    mixer = AuthorsBlock(64, 2, 0, sea)
    load_official(mixer, stored_state(data))
    assert sum(p.numel() for p in mixer.parameters()) == entry("sea_block_d64")["params"]
    with torch.inference_mode():
        check(mixer.eval().double()(torch.from_numpy(data["input0"]).double()), data)


def test_model_computes_what_the_authors_compute_stage_by_stage():
    name = "model_seaformer_t"
    model, data = create_model("seaformer-t"), arrays(name)
    layout = load_official(model, filled_state(name))
    assert layout == "fudan-zvg/SeaFormer seaformer-cls"
    model.eval()
    image = np.random.RandomState(1234).standard_normal((1, 3, 224, 224)).astype(np.float32)
    y32, stages32 = run_in_stages(model, torch.from_numpy(image))
    y64, stages64 = run_in_stages(model.double(), torch.from_numpy(image).double())
    expected = data["output_f64"]
    assert np.abs(y64 - expected).max() < 1e-9 * np.abs(expected).max()
    assert np.abs(y32 - expected).max() < 10 * entry(name)["f32_vs_f64_maxabs"]
    assert len(stages64) == 2 * 7
    for stage, value in stages64.items():  # theirs are float32: as far off as ours in float32
        gap = np.abs(stages32[stage] - value).max()
        assert np.abs(data[stage] - value).max() <= 10 * gap, stage


def run_in_stages(model, image):
    stages = {f"smb{i + 1}": stage.residuals for i, stage in enumerate(model.trunk.stages)}
    stages |= {f"trans{i + 1}": model.trunk.stages[i + 3].mixers for i in range(2)}
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
