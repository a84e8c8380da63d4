"""Sizes, places, paths and checkpoints of SeaFormer, as classifier and with its light head."""

import pytest
import torch
from torch.nn import functional

from attnbench_models import (
    ModelError,
    block_paths,
    count,
    create_block,
    create_model,
    load_official,
)
from attnbench_models.backbones import BACKBONES
from attnbench_models.backbones.seaformer.classification import SeaFormer
from attnbench_models.backbones.seaformer.segmentation import SeaFormerSegmentation
from attnbench_models.blocks.sea import SqueezeAxialAttention
from tests.models.golden import entry, needs_golden

# parameters, multiply-accumulates at 224 x 224 and at 512 x 512, as the authors' code has
CLASSIFIERS = {
    "seaformer-t": (1_781_096, 93_332_544, 466_718_976),
    "seaformer-s": (4_105_656, 177_451_712, 877_188_608),
    "seaformer-b": (8_742_664, 315_160_320, 1_532_528_640),
    "seaformer-l": (14_046_504, 1_161_219_520, 5_905_474_048),
}
# parameters, in millions as published, and multiply-accumulates at 512 x 512
SEGMENTATION = {
    "seaformer-t-seg": (1_667_318, 1.7, 562_569_216),
    "seaformer-s-seg": (3_990_118, 4.0, 1_030_875_136),
    "seaformer-b-seg": (8_605_654, 8.6, 1_757_585_408),
    "seaformer-l-seg": (13_951_510, 14.0, 6_340_313_088),
}
ATTENTIONS = {"t": 4, "s": 6, "b": 8, "l": 9}


def total(backbone, side):
    with torch.device("meta"):  # counting needs shapes only
        return count(create_model(backbone).eval(), torch.empty(1, 3, side, side))[-1]


@pytest.mark.parametrize("backbone", CLASSIFIERS)
def test_parameters_and_macs_are_those_of_the_authors_code(backbone):
    parameters, *macs = CLASSIFIERS[backbone]
    for side, expected in zip((224, 512), macs, strict=True):
        counted = total(backbone, side)
        assert (counted.parameters, counted.macs) == (parameters, expected)


@pytest.mark.parametrize("backbone", SEGMENTATION)
def test_parameters_with_the_head_round_to_the_published_ones(backbone):
    parameters, published, macs = SEGMENTATION[backbone]
    counted = total(backbone, 512)
    assert (counted.parameters, counted.macs) == (parameters, macs)
    assert round(parameters / 1e6, 1) == published
    assert BACKBONES[backbone].unverified


def test_the_numbers_of_the_docstrings_are_among_them():
    text = " ".join(SeaFormer.__doc__.split())
    for parameters, macs, _ in CLASSIFIERS.values():
        assert f"{parameters:,}" in text
        assert f"{macs:,}" in text
    text = " ".join(SeaFormerSegmentation.__doc__.split())
    assert all(f"{parameters:,}" in text for parameters, _, _ in SEGMENTATION.values())


@pytest.mark.parametrize("variant", ATTENTIONS)
def test_native_attention_has_the_authors_heads_and_keys(variant):
    with torch.device("meta"):
        model = create_model(f"seaformer-{variant}")
    found = [m for m in model.modules() if isinstance(m, SqueezeAxialAttention)]
    assert len(found) == ATTENTIONS[variant]
    heads, keys = {"t": 4, "s": 6, "b": 8, "l": 8}[variant], (16, 20, 24)
    assert {m.rows.heads for m in found} == {heads}
    widths = [m.query.conv.out_channels // heads for m in found]
    assert widths == sorted(widths)
    assert set(widths) == ({*keys} if variant == "l" else {16, 24})


def test_detail_from_projections_of_its_own_is_the_shared_one_with_equal_weights():
    torch.manual_seed(0)
    shared, own = create_block("sea", 32), create_block("sea", 32, separate=True)
    keys, channels = 4 * 8, 32
    assert size_of(own) - size_of(shared) == 4 * channels * keys + 8 * keys
    state = own.state_dict() | shared.state_dict()
    for key in state:
        if key.startswith("local."):
            parts = (key.replace("local", name, 1) for name in ("query", "key", "value"))
            state[key] = state[key] if key.endswith("tracked") else join(state, parts)
    own.load_state_dict(state)
    x = torch.randn(1, channels, 6, 5)
    with torch.inference_mode():
        difference = own.eval()(x) - shared.eval()(x)
    assert difference.abs().max() < 1e-6


def size_of(module):
    return sum(p.numel() for p in module.parameters())


def join(state, keys):
    return torch.cat([state[key] for key in keys])


def test_without_attention_the_mlps_stay():
    plain, native = (create_model("seaformer-t", block) for block in ("none", None))
    assert [p for p, kind in block_paths(plain) if kind == "attention"] == []
    rest = [key for key in native.state_dict() if ".attention." not in key]
    assert list(plain.state_dict()) == rest
    assert sum("mlp.filter.weight" in key for key in rest) == 4


def test_a_gate_goes_onto_expanded_channels_and_leaves_the_mixers_alone():
    model = create_model("seaformer-t", "se")
    paths = [p for p, kind in block_paths(model) if kind == "attention"]
    assert len(paths) == 8
    assert all(".residuals." in path for path in paths)
    first = model.trunk.stages[0].residuals
    assert first[0].attention is None  # does not expand
    assert first[1].attention.reduce.in_channels == 4 * 16


def test_a_fusion_has_no_place():
    assert "fusion" not in BACKBONES["seaformer-t"].takes


@pytest.mark.parametrize("backbone", ["seaformer-t", "seaformer-t-seg"])
def test_paths_are_in_forward_order(backbone):
    model = create_model(backbone, num_classes=2).eval()
    paths = dict(block_paths(model))
    assert list(paths)[:2] == ["trunk.stem", "trunk.stages.0.residuals.0"]
    assert paths["trunk.stages.3.mixers.0.attention"] == "attention"
    if backbone == "seaformer-t-seg":
        assert list(paths)[-4:] == ["head.scale", "head.classifier", "resize", "labels"]
    began = []
    for path in paths:
        model.get_submodule(path).register_forward_pre_hook(
            lambda *_, path=path: began.append(path)
        )
    with torch.inference_mode():
        model(torch.zeros(1, 3, 64, 80))
    assert began == list(paths)


@pytest.mark.parametrize("size", [(64, 64), (225, 161), (33, 65), (1, 1)])
def test_any_input_size_will_do(size):
    x = torch.zeros(2, 3, *size)
    with torch.inference_mode():
        assert create_model("seaformer-t", num_classes=7).eval()(x).shape == (2, 7)
        labels = create_model("seaformer-t-seg", num_classes=7).eval()(x)
    assert (labels.shape, labels.dtype) == ((2, *size), torch.int64)


def test_the_three_ends_are_steps_of_one_computation():
    torch.manual_seed(0)
    models = {n: create_model(f"seaformer-t-{n}") for n in ("seg", "seg-logits", "seg-coarse")}
    state = models["seg"].state_dict()
    x = torch.randn(1, 3, 50, 70)
    outputs = {}
    for name, model in models.items():
        model.load_state_dict(state)
        with torch.inference_mode():
            outputs[name] = model.eval()(x)
    assert outputs["seg-coarse"].shape == (1, 150, 7, 9)
    logits = functional.interpolate(outputs["seg-coarse"], size=(50, 70), mode="bilinear")
    assert torch.equal(outputs["seg-logits"], logits)
    assert torch.equal(outputs["seg"], logits.argmax(1))
    assert torch.equal(models["seg"].scores(x), logits)


def test_published_size_and_classes_are_those_of_ade20k():
    found = BACKBONES["seaformer-t-seg"]
    assert (found.size, found.classes, found.task) == ((512, 512), 150, "segmentation")
    assert create_model("seaformer-t-seg").head.classifier.out_channels == 150


def test_a_width_is_refused():
    with pytest.raises(ModelError, match="seaformer-t has no width multiplier"):
        create_model("seaformer-t", width=0.5)


def authors_segmentation_state():
    """What their segmentation checkpoints hold: backbone and head, named as mmcv names them."""
    shapes = entry("model_seaformer_t")["state_keys"]
    state = {f"backbone.{k}": torch.randn(s) for k, s in shapes.items() if k[:6] != "linear"}
    for name, inputs, outputs in [
        ("fuse1.local_embedding", 32, 64),
        ("fuse1.global_act", 128, 64),
        ("fuse2.local_embedding", 64, 96),
        ("fuse2.global_act", 160, 96),
        ("linear_fuse", 1, 96),
    ]:
        prefix = f"decode_head.{name}"
        state[f"{prefix}.conv.weight"] = torch.randn(outputs, inputs, 1, 1)
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"{prefix}.bn.{part}"] = torch.randn(outputs)
    state["decode_head.conv_seg.weight"] = torch.randn(150, 96, 1, 1)
    return state | {"decode_head.conv_seg.bias": torch.randn(150)}


@needs_golden
@pytest.mark.parametrize("backbone", ["seaformer-t-seg", "seaformer-t-seg-coarse"])
def test_segmentation_checkpoints_of_the_authors_load(backbone):
    model, state = create_model(backbone), authors_segmentation_state()
    assert load_official(model, state) == "fudan-zvg/SeaFormer seaformer-seg"
    fused = state["decode_head.fuse2.global_act.conv.weight"]
    assert torch.equal(model.head.fusions[1].gate.conv.weight, fused)
    mixed = state["backbone.trans2.transformer_blocks.1.mlp.fc2.c.weight"]
    assert torch.equal(model.trunk.stages[4].mixers[1].mlp.project.conv.weight, mixed)
    del state["decode_head.conv_seg.bias"]
    with pytest.raises(ModelError, match=r"missing: decode_head\.conv_seg\.bias"):
        load_official(create_model(backbone), state)
