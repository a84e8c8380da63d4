"""Sizes, places and paths of the mobile classification backbones but MobileNetV2."""

import inspect

import pytest
import torch
from torch import nn

from attnbench_models import ModelError, block_paths, count, create_model
from attnbench_models.backbones import BACKBONES, blocks_for
from attnbench_models.blocks import BLOCKS
from attnbench_models.weights import calibrate

# backbone, block, options and width: parameters and multiply-accumulates, as far as published
SIZES = {
    ("mobilenext", "none", (), 0.35): (1_913_976, 75_141_032),
    ("mobilenext", "none", (), 0.5): (2_152_304, 103_256_448),
    ("mobilenext", "none", (), 0.75): (2_766_168, 207_926_720),
    ("mobilenext", "none", (), 1.0): (3_535_416, 311_342_592),
    ("mobilenext", "none", (), 1.4): (6_126_168, 588_319_256),
    ("mobilenext", "se", (), 1.0): (3_889_055, None),
    ("mobilenext", "coord", (), 1.0): (3_947_317, None),
    ("mobilenetv3-large", None, (), 1.0): (5_483_032, 216_589_760),
    ("mobilenetv3-small", None, (), 1.0): (2_542_856, 56_510_400),
    ("efficientnet-b0", None, (), 1.0): (5_288_548, 385_814_752),
    ("efficientnet-b0", "coord", (), 1.0): (5_381_804, None),
    ("efficientnet-b0", "coord", (("reduction", 24),), 1.0): (5_614_772, None),
    ("efficientnet-b0", "coord", (("reduction", 16),), 1.0): (6_083_024, None),
    ("efficientnet-b0", "coord", (("reduction", 8),), 1.0): (7_494_164, None),
    ("shufflenetv2", None, (), 0.5): (1_366_792, None),
    ("shufflenetv2", None, (), 1.0): (2_278_604, None),
    ("shufflenetv2", None, (), 1.5): (3_503_624, None),
    ("shufflenetv2", None, (), 2.0): (7_393_996, None),
    ("inception-v3", None, (), 1.0): (23_834_568, None),
}
# the same where only rounded numbers are published: millions
ROUNDED = {
    ("mobilenetv3-large", 0.75): (3.994, 154.57),
    ("mobilenetv3-small", 0.75): (2.042, 43.40),
    ("shufflenetv2", 0.5): (1.367, 40),
    ("shufflenetv2", 1.0): (2.279, 145),
    ("shufflenetv2", 1.5): (3.504, 296),
    ("shufflenetv2", 2.0): (7.394, 583),
    ("inception-v3", 1.0): (23.835, 5713),
}
# attention by the paths of the units that have it
PLACES = {
    "mobilenext": range(19),
    "mobilenetv3-small": (0, *range(3, 11)),
    "mobilenetv3-large": (3, 4, 5, *range(10, 15)),
    "efficientnet-b0": range(16),
    "shufflenetv2": range(16),
    "inception-v3": ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"),
}
SMALL = {"inception-v3": (80, 97)}  # height and width; (40, 33) for the others


def total(backbone, block=None, *, width=1.0, **options):
    with torch.device("meta"):  # counting needs shapes only
        model = create_model(backbone, block, width=width, **options).eval()
        *rows, whole = count(model, torch.empty(1, 3, *BACKBONES[backbone].size))
    assert sum(row.parameters for row in rows) == whole.parameters
    assert sum(row.macs for row in rows) == whole.macs
    return whole


@pytest.mark.parametrize(("backbone", "block", "options", "width"), SIZES)
def test_parameters_and_macs_are_the_published_ones(backbone, block, options, width):
    parameters, macs = SIZES[backbone, block, options, width]
    whole = total(backbone, block, width=width, **dict(options))
    assert whole.parameters == parameters
    assert macs is None or whole.macs == macs


@pytest.mark.parametrize(("backbone", "width"), ROUNDED)
def test_parameters_and_macs_round_to_the_published_ones(backbone, width):
    whole, (parameters, macs) = total(backbone, width=width), ROUNDED[backbone, width]
    assert round(whole.parameters / 1e6, 3) == parameters
    assert abs(whole.macs / 1e6 - macs) < 0.5


def test_the_numbers_of_the_docstrings_are_true():
    for (backbone, _, options, width), sizes in SIZES.items():
        doc = " ".join(inspect.getdoc(BACKBONES[backbone].of_class()).split())
        if (width == 1.0 or backbone == "shufflenetv2") and not options:
            assert all(f"{size:,}" in doc for size in sizes if size)
    doc = inspect.getdoc(BACKBONES["inception-v3"].of_class())
    assert f"with se {total('inception-v3', 'se').parameters:,}" in doc


def test_coordinate_attention_never_reaches_the_count_published_for_mobilenext():
    assert round(total("mobilenext", "se").parameters / 1e6, 2) == 3.89
    assert round(total("mobilenext", "coord").parameters / 1e6, 2) == 3.95  # 4.09 is published
    assert "4.09M" in inspect.getdoc(BACKBONES["mobilenext"].of_class())


@pytest.mark.parametrize("backbone", PLACES)
def test_attention_is_where_it_should_be(backbone):
    for block in blocks_for(backbone):
        with torch.device("meta"):
            model = create_model(backbone, block, num_classes=2)
        found = [p for p, kind in block_paths(model) if kind == "attention"]
        if block == "none":
            assert found == []
            continue
        assert found == [f"features.{name}.attention" for name in PLACES[backbone]]
        kind = BLOCKS[block].of_class()
        assert all(isinstance(model.get_submodule(path), kind) for path in found)
        image = torch.empty(2, 3, *BACKBONES[backbone].size, device="meta")
        with torch.inference_mode():
            assert model.eval()(image).shape == (2, 2)


@pytest.mark.parametrize("backbone", PLACES)
def test_native_is_what_is_published(backbone):
    native, gates = BACKBONES[backbone].native, len(PLACES[backbone])
    with torch.device("meta"):
        model = create_model(backbone, num_classes=2)
    found = [path for path, kind in block_paths(model) if kind == "attention"]
    assert len(found) == (0 if native == "none" else gates)
    assert all(isinstance(model.get_submodule(path), BLOCKS[native].of_class()) for path in found)


def order(model, size):
    """What runs, as it begins: the paths of the modules without parts, and of the attention."""
    began = []
    for path, module in model.named_modules():
        if not list(module.children()) or path.endswith(".attention"):
            module.register_forward_pre_hook(lambda *_, path=path: began.append(path))
    with torch.inference_mode():
        model(torch.zeros(1, 3, *size))
    return began


@pytest.mark.parametrize(
    ("backbone", "unit", "expected"),
    [
        (
            "mobilenext",
            "features.4",  # 192 to 192: with a filter before
            ["filter_in.conv", "filter_in.norm", "filter_in.act", "attention", "narrow.conv"],
        ),
        ("mobilenext", "features.5", ["attention", "narrow.conv"]),  # 192 to 288: without
        ("mobilenext", "features.16", ["attention", "narrow.conv"]),  # 576 to 960: without
        (
            "mobilenetv3-large",
            "features.3",
            ["depthwise.conv", "depthwise.norm", "attention", "act", "project.conv"],
        ),
        (
            "mobilenetv3-small",
            "features.0",  # does not expand
            ["depthwise.conv", "depthwise.norm", "depthwise.act", "attention", "project.conv"],
        ),
        (
            "efficientnet-b0",
            "features.3",
            ["depthwise.conv", "depthwise.norm", "depthwise.act", "attention", "project.conv"],
        ),
        ("shufflenetv2", "features.1", ["branch.2.conv", "branch.2.norm", "branch.2.act"]),
        ("inception-v3", "features.6a", ["pool", "attention"]),
    ],
)
def test_attention_comes_at_its_turn(backbone, unit, expected):
    class Gate(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.channels = channels

        def forward(self, x):
            assert x.shape[1] == self.channels
            return x

    model = create_model(backbone, Gate, num_classes=2).eval()
    began = order(model, SMALL.get(backbone, (40, 33)))
    inside = [path.removeprefix(f"{unit}.") for path in began if path.startswith(f"{unit}.")]
    at = inside.index(expected[0])
    assert inside[at : at + len(expected)] == expected
    if backbone == "shufflenetv2":
        assert inside[at + len(expected) :] == ["attention"]


@pytest.mark.parametrize("backbone", PLACES)
def test_paths_are_in_forward_order_and_any_size_will_do(backbone):
    model = create_model(backbone, "se", num_classes=5).eval()
    paths, began = dict(block_paths(model)), []
    for path in paths:
        model.get_submodule(path).register_forward_pre_hook(
            lambda *_, path=path: began.append(path)
        )
    with torch.inference_mode():
        y = model(torch.zeros(2, 3, *SMALL.get(backbone, (40, 33))))
    assert y.shape == (2, 5)
    assert began == list(paths)
    if backbone not in SMALL:
        with torch.inference_mode():
            assert model(torch.zeros(1, 3, 1, 1)).shape == (1, 5)


@pytest.mark.parametrize(("backbone", "block"), [(b, k) for b in PLACES for k in ("se", "coord")])
def test_every_gate_can_be_calibrated(backbone, block):
    torch.manual_seed(0)
    model = create_model(backbone, block, num_classes=3)
    calibration = calibrate(model, SMALL.get(backbone, (64, 64)), 0)
    gates = len(PLACES[backbone]) * (2 if block == "coord" else 1)
    assert len(calibration.gates) == gates
    assert len(calibration.missed) <= gates // 8


def test_squeeze_and_excitation_is_what_each_backbone_has():
    def squeeze(backbone, unit, **options):
        with torch.device("meta"):
            return create_model(backbone, "se", **options).features[unit].attention

    assert squeeze("mobilenext", 1).reduce.out_channels == 96 // 24
    assert isinstance(squeeze("mobilenext", 1).activation, nn.ReLU6)
    assert squeeze("mobilenetv3-large", 3).reduce.out_channels == 24  # of 72: to a multiple of 8
    assert isinstance(squeeze("mobilenetv3-large", 3).gate, nn.Hardsigmoid)
    assert squeeze("mobilenetv3-large", 3, hidden=5).reduce.out_channels == 5
    assert squeeze("efficientnet-b0", 1).reduce.out_channels == 4  # a quarter of 16, not of 96
    assert isinstance(squeeze("efficientnet-b0", 1).activation, nn.SiLU)
    assert squeeze("mobilenetv3-large", 3).activation.__class__ is nn.ReLU
    assert squeeze("shufflenetv2", 1).reduce.out_channels == 58 // 16
    assert squeeze("inception-v3", 0).reduce.out_channels == 256 // 16


def test_a_width_that_is_not_published_is_refused():
    with pytest.raises(ModelError, match=r"ShuffleNetV2 has no width 0\.75") as caught:
        create_model("shufflenetv2", width=0.75)
    assert caught.value.hint == "the widths are 0.5, 1, 1.5, 2"
    for backbone in ("efficientnet-b0", "inception-v3"):
        with pytest.raises(ModelError, match=f"{backbone} has no width multiplier"):
            create_model(backbone, width=0.5)
