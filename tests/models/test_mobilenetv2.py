"""Sizes, places and initial weights of MobileNetV2 and its attention."""

import math

import pytest
import torch
from torch import nn

from attnbench_models import Cost, ModelError, block_paths, count, create_model
from attnbench_models.backbones import blocks_for
from attnbench_models.backbones.mobilenetv2 import MobileNetV2, rounded
from attnbench_models.blocks import BLOCKS

# block, options, width: parameters, multiply-accumulates at 224 x 224, as the authors' code has
SIZES = {
    ("none", (), 0.35): (1_677_128, 59_285_808),
    ("none", (), 0.5): (1_968_680, 97_131_840),
    ("none", (), 0.75): (2_636_424, 209_069_792),
    ("none", (), 1.0): (3_504_872, 300_774_272),
    ("none", (), 1.4): (6_108_776, 582_195_824),
    ("coord", (), 0.35): (1_750_970, 60_471_216),
    ("coord", (), 0.5): (2_095_568, 99_002_688),
    ("coord", (), 0.75): (2_891_631, 212_648_864),
    ("coord", (), 1.0): (3_950_648, 306_666_368),
    ("coord", (), 1.4): (6_958_700, 593_185_712),
    ("coord", (("reduction", 8),), 1.0): (5_213_456, 322_805_120),
    ("coord", (("reduction", 12),), 1.0): (4_648_664, 315_461_504),
    ("coord", (("reduction", 16),), 1.0): (4_366_850, 311_832_704),
    ("coord", (("reduction", 24),), 1.0): (4_086_776, 308_300_672),
    ("coord", (("reduction", 48),), 1.0): (3_814_520, 305_032_064),
    ("coord", (("reduction", 64),), 1.0): (3_755_696, 304_386_944),
    ("se", (), 0.5): (2_067_086, 97_226_496),
    ("se", (), 0.75): (2_855_386, 209_283_104),
    ("se", (), 1.0): (3_888_208, 301_150_208),
    ("se", (("reduction", 4),), 1.0): (5_769_368, 303_029_888),
    ("se", (("reduction", 12),), 1.0): (4_264_440, 301_526_144),
    ("se", (("reduction", 16),), 1.0): (4_076_324, 301_338_176),
    ("se", (("reduction", 32),), 1.0): (3_793_861, 301_055_936),
    ("cbam", (), 0.5): (2_068_686, 98_319_968),
    ("cbam", (), 0.75): (2_856_986, 210_495_232),
    ("cbam", (), 1.0): (3_889_808, 302_524_960),
    ("cbam", (("reduction", 12),), 1.0): (4_266_040, 303_276_832),
    ("cbam", (("reduction", 16),), 1.0): (4_077_924, 302_900_896),
    ("cbam", (("reduction", 32),), 1.0): (3_795_461, 302_336_416),
    ("nam", (), 1.0): (3_519_080, 300_774_272),
    ("triplet", (), 1.0): (3_509_972, 306_997_664),
}


@pytest.mark.parametrize(("block", "options", "width"), SIZES)
def test_parameters_and_macs_are_the_published_ones(block, options, width):
    with torch.device("meta"):  # counting needs shapes only
        model = create_model("mobilenetv2", block, width=width, **dict(options)).eval()
        total = count(model, torch.empty(1, 3, 224, 224))[-1]
    assert total == Cost("", "total", *SIZES[block, options, width])


def test_the_numbers_of_the_docstring_are_among_them():
    text = " ".join(MobileNetV2.__doc__.split())
    for block in ("none", "coord"):
        assert all(f"{number:,}" in text for number in SIZES[block, (), 1.0])
    for block in ("nam", "triplet"):
        assert f"{SIZES[block, (), 1.0][0]:,}" in text


def home(block):
    return MobileNetV2.HOMES.get(block, MobileNetV2.HOMES[BLOCKS[block].kind]).role


def at_home(role):
    return [name for name in blocks_for("mobilenetv2") if home(name) == role]


@pytest.mark.parametrize("block", at_home("expanded"))
def test_attention_sits_on_the_expanded_channels_of_sixteen_blocks(block):
    model = create_model("mobilenetv2", block, num_classes=2, size=(32, 40)).eval()
    places = [residual.attention for residual in model.features]
    assert len(places) == 17
    assert places[0] is None
    if block == "none":
        assert places == [None] * 17
        return
    kind = BLOCKS[block].load()
    for residual in list(model.features)[1:]:
        names = [name for name, _ in residual.named_children()]
        assert names == ["expand", "depthwise", "attention", "project"]
        assert isinstance(residual.attention, kind)
    with torch.inference_mode():
        assert model(torch.zeros(2, 3, 32, 40)).isfinite().all()


@pytest.mark.parametrize("block", at_home("projected"))
def test_attention_sits_on_the_projected_channels_of_every_block(block):
    model = create_model("mobilenetv2", block, num_classes=2).eval()
    assert all(isinstance(residual.after, BLOCKS[block].load()) for residual in model.features)
    assert not any(residual.attention for residual in model.features)
    with torch.inference_mode():
        assert model(torch.zeros(2, 3, 32, 40)).isfinite().all()


def test_bam_ends_the_stages_that_are_as_large_as_those_of_resnet():
    model = create_model("mobilenetv2", "bam", num_classes=2).eval()
    paths = [path for path, kind in block_paths(model) if kind == "attention"]
    assert paths == [f"features.{last}.beyond" for last in (2, 5, 12)]
    sides = []
    for path in paths:
        model.get_submodule(path).register_forward_hook(lambda _, __, y: sides.append(y.shape[2]))
    with torch.inference_mode():
        model(torch.zeros(1, 3, 64, 64))
    assert sides == [64 // 4, 64 // 8, 64 // 16]


def test_eca_has_the_kernels_of_its_authors():
    model = create_model("mobilenetv2", "eca", num_classes=2)
    widths = [residual.project.norm.num_features for residual in model.features]
    kernels = [residual.after.conv.kernel_size[0] for residual in model.features]
    assert kernels == [1 if width < 96 else 3 for width in widths]


def test_native_is_no_attention():
    assert [p for p, kind in block_paths(create_model("mobilenetv2")) if kind == "attention"] == []


def test_paths_are_in_forward_order():
    model = create_model("mobilenetv2", "se", num_classes=2).eval()
    paths = dict(block_paths(model))
    assert list(paths)[:5] == [
        "stem",
        "features.0",
        "features.1",
        "features.1.attention",
        "features.2",
    ]
    assert list(paths)[-1] == "head"
    assert len(paths) == 1 + 17 + 16 + 1
    began = []
    for path in paths:
        model.get_submodule(path).register_forward_pre_hook(
            lambda *_, path=path: began.append(path)
        )
    with torch.inference_mode():
        model(torch.zeros(1, 3, 32, 40))
    assert began == list(paths)


@pytest.mark.parametrize("size", [(32, 32), (65, 33), (1, 1)])
def test_any_input_size_will_do(size):
    with torch.inference_mode():
        assert create_model("mobilenetv2", "coord", num_classes=7).eval()(
            torch.zeros(2, 3, *size)
        ).shape == (2, 7)


def test_home_options_give_way_to_keywords():
    def squeeze(**options):
        return create_model("mobilenetv2", "se", **options).features[1].attention

    assert squeeze().reduce.out_channels == 96 // 24
    assert squeeze(reduction=8).reduce.out_channels == 96 // 8
    assert isinstance(squeeze().activation, nn.ReLU6)
    assert isinstance(squeeze(activation="relu").activation, nn.ReLU)


def test_channels_round_to_multiples_of_eight_but_not_far_down():
    assert [rounded(c) for c in (1, 8, 11.9, 12, 19, 20, 11.2, 33.6, 44.8)] == [
        *(8, 8, 16, 16, 24, 24, 16, 32, 48)
    ]
    for channels in range(1, 400):
        assert rounded(channels) % 8 == 0
        assert rounded(channels) >= 0.9 * channels


def test_initial_weights_are_drawn_as_the_authors_draw_them():
    torch.manual_seed(0)
    model = create_model("mobilenetv2", "coord")
    attention = model.features[16].attention
    for conv in (model.features[16].project.conv, attention.conv1, attention.conv_h):
        std = math.sqrt(2 / (conv.kernel_size[0] ** 2 * conv.out_channels))
        assert conv.weight.std().item() == pytest.approx(std, rel=0.05)
    assert model.head.classifier.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not attention.conv_h.bias.any()
    assert not model.head.classifier.bias.any()


def test_dropout_is_where_the_authors_have_it():
    assert create_model("mobilenetv2").head.dropout is None
    assert create_model("mobilenetv2", "coord").head.dropout.p == 0.1


@pytest.mark.parametrize("bad", [{"width": 0}, {"width": -1.0}, {"num_classes": 0}])
def test_sizes_that_make_no_sense_are_refused(bad):
    with pytest.raises(ModelError, match=f"{next(iter(bad))} must be"):
        create_model("mobilenetv2", **bad)
