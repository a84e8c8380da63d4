"""Sizes and places of the ResNets and of what is put into them, and their authors' weights."""

import pytest
import torch

from attnbench_models import block_paths, calibrate, count, create_model, load_official
from attnbench_models.backbones import BACKBONES, blocks_for
from attnbench_models.backbones.fpn import ResNetPyramid
from attnbench_models.backbones.resnet import FusedResNet, ResNet
from attnbench_models.blocks import BLOCKS
from attnbench_models.natural import natural_images
from tests.models.golden import check_model, needs_golden

NO_BIAS = (("bias", False),)
# backbone, block, options: parameters, and multiply-accumulates at the published size where the
# authors' code was counted
SIZES = {
    ("resnet18", "none", ()): (11_689_512, 1_814_073_344),
    ("resnet18", "bam", ()): (11_712_503, 1_819_224_000),
    ("resnet18", "cbam", ()): (11_779_392, 1_815_063_764),
    ("resnet18", "nam", ()): (11_693_352, 1_814_073_344),
    ("resnet18", "aff", ()): (12_400_232, 1_865_801_728),
    ("resnet18", "iaff", ()): (13_110_952, 1_917_530_112),
    ("resnet50", "none", ()): (25_557_032, 4_089_184_256),
    ("resnet50", "se", ()): (28_088_024, 4_089_184_256 + 2_514_944),
    ("resnet50", "se", NO_BIAS): (28_071_976, 4_089_184_256 + 2_514_944),
    ("resnet50", "bam", ()): (25_915_099, 4_171_331_328),
    ("resnet50", "cbam", ()): (28_089_624, 4_095_573_110),
    ("resnet50", "nam", ()): (25_587_240, 4_089_184_256),
    ("resnet50-fused", "none", ()): (25_557_032, 4_089_184_256),
    ("resnet50-fused", "aff", ()): (45_789_864, 5_743_411_200),
    ("resnet50-fused", "iaff", ()): (66_022_696, 7_397_638_144),
    ("resnet50-d", "aff", ()): (30_373_192, None),
    ("resnet50-d", "iaff", ()): (35_170_120, None),
    ("resnext50", "none", ()): (25_028_904, 4_230_479_872),
    ("resnext50-fused", "aff", ()): (45_261_736, 5_884_706_816),
    ("resnext50-fused", "iaff", ()): (65_494_568, 7_538_933_760),
    ("resnext50-d", "aff", ()): (29_953_704, None),
    ("resnext50-d", "iaff", ()): (34_750_632, None),
    ("resnet101", "none", ()): (44_549_160, 7_801_405_440),
    ("resnet101", "bam", ()): (44_907_227, 7_883_552_512),
    ("resnet101", "cbam", ()): (49_330_172, 7_812_577_278),
    ("resnet50-cifar", "none", ()): (23_705_252, 1_298_014_208),
    ("resnet50-cifar", "nam", ()): (23_735_460, 1_298_014_208),
    ("resnet50-cifar", "cbam", ()): (26_237_844, 1_303_487_840),
    ("resnet50-cifar", "bam", ()): (24_063_319, 1_324_953_600),
    ("resnet50-cifar", "se", ()): (26_236_244, None),
    ("resnet50-cifar", "se", NO_BIAS): (26_220_196, None),
    ("resnet50-cifar", "triplet", ()): (23_710_052, None),
    ("resnet50-cifar", "coord", ()): (25_623_084, None),
    ("resnet50-cifar", "eca", (("kernel", 3),)): (23_705_300, None),
    ("resnet18-fpn", "none", ()): (11_450_579, 2_331_779_072),
}
FUSIONS = ("aff", "iaff")
STATED = {
    ResNet: [
        *SIZES["resnet18", "none", ()],
        *SIZES["resnet50", "none", ()],
        *SIZES["resnext50", "none", ()],
        *(SIZES["resnet50", block, ()][0] for block in ("se", "cbam", "bam", "nam")),
        *(
            SIZES[f"{name}-d", block, ()][0]
            for name in ("resnet50", "resnext50")
            for block in FUSIONS
        ),
    ],
    FusedResNet: [
        SIZES[name, block, ()][0] for name in ("resnet18", "resnet50-fused") for block in FUSIONS
    ],
    ResNetPyramid: SIZES["resnet18-fpn", "none", ()],
}


def total(name, block, **options):
    with torch.device("meta"):  # counting needs shapes only
        model = create_model(name, block, **options).eval()
        return count(model, torch.empty(1, 3, *BACKBONES[name].size))[-1]


@pytest.mark.parametrize(("name", "block", "options"), SIZES)
def test_parameters_and_macs_are_those_of_the_authors_code(name, block, options):
    parameters, macs = SIZES[name, block, options]
    found = total(name, block, **dict(options))
    assert found.parameters == parameters
    assert macs is None or found.macs == macs


@pytest.mark.parametrize("model", STATED, ids=lambda model: model.__name__)
def test_the_numbers_of_the_docstrings_are_among_them(model):
    text = " ".join(model.__doc__.split())
    assert [number for number in STATED[model] if f"{number:,}" not in text] == []


def places(name, block):
    model = create_model(name, block, num_classes=2)
    return [path for path, kind in block_paths(model) if kind == "attention"]


def test_a_gate_is_in_every_residual_before_the_sum():
    assert places("resnet18", "se") == [f"stages.{s}.{i}.attention" for s in range(4) for i in "01"]
    residual = create_model("resnet50", "cbam", num_classes=2).stages[3][2]
    names = [name for name, _ in residual.named_children()]
    assert names == ["body", "attention", "act"]
    assert residual.attention.reduce.in_channels == 2048


def test_blocks_that_are_not_for_every_residual_are_where_their_papers_have_them():
    assert places("resnet18", "bam") == [f"stages.{s}.after" for s in range(3)]
    assert places("resnet50", "nl") == ["stages.2.inner"]
    inner = list(dict(create_model("resnet50", "nl", num_classes=2).stages[2].named_children()))
    assert inner == ["0", "1", "2", "3", "4", "inner", "5"]
    assert places("resnet18", "gc") == [
        f"stages.{s}.{i}.attention" for s in range(1, 4) for i in "01"
    ]


@pytest.mark.parametrize("fusion", FUSIONS)
def test_fusions_take_the_sums_of_the_last_two_stages_or_all(fusion):
    last = [f"stages.2.{i}.fuse" for i in range(6)] + [f"stages.3.{i}.fuse" for i in range(3)]
    assert places("resnet50-d", fusion) == places("resnext50", fusion) == last
    assert places("resnet18", fusion) == [f"stages.{s}.{i}.fuse" for s in range(4) for i in "01"]
    assert len(places("resnet50-fused", fusion)) == 16
    assert places("resnet18-fpn", fusion) == [f"skips.{i}.fuse" for i in range(3)]


def test_reductions_are_those_of_the_authors_and_give_way_to_keywords():
    def hidden(name, **options):
        fusion = create_model(name, "aff", num_classes=2, **options).stages[3][0].fuse
        return fusion.context.local[0].out_channels

    assert (hidden("resnet50-d"), hidden("resnet50-fused"), hidden("resnet18")) == (128, 512, 128)
    assert hidden("resnet50-d", reduction=32) == 64


@pytest.mark.parametrize("block", ["cbam", "bam", "nl", "iaff"])
@pytest.mark.parametrize("name", ["resnet18", "resnet50-d", "resnet18-fpn"])
def test_paths_are_in_forward_order(name, block):
    model = create_model(name, block, num_classes=2).eval()
    began, paths = [], [path for path, _ in block_paths(model)]
    for path in paths:
        model.get_submodule(path).register_forward_pre_hook(
            lambda *_, path=path: began.append(path)
        )
    with torch.inference_mode():
        model(torch.zeros(1, 3, 64, 40))
    assert began == paths
    *rows, whole = count(model, torch.zeros(1, 3, 64, 40))
    assert sum(row.parameters for row in rows) == whole.parameters
    assert sum(row.macs for row in rows) == whole.macs


@pytest.mark.parametrize("name", ["resnet18", "resnet50-d", "resnet50-cifar", "resnext50"])
@pytest.mark.parametrize("size", [(64, 32), (65, 33), (32, 47)])
def test_any_input_size_will_do(name, size):
    with torch.inference_mode():
        model = create_model(name, "aff", num_classes=7).eval()
        assert model(torch.zeros(2, 3, *size)).shape == (2, 7)


@pytest.mark.parametrize("size", [(64, 32), (65, 33), (225, 161)])
def test_the_pyramid_labels_every_pixel(size):
    with torch.inference_mode():
        model = create_model("resnet18-fpn", "aff", num_classes=7).eval()
        assert model(torch.zeros(2, 3, *size)).shape == (2, 7, *size)


@pytest.mark.parametrize("block", [b for b in blocks_for("resnet18") if not BLOCKS.get(b).sized])
def test_every_block_finds_a_place_in_a_resnet(block):
    model = create_model("resnet18", block, num_classes=3).eval()
    assert (block == "none") == (not places("resnet18", block))
    with torch.inference_mode():
        assert model(torch.zeros(1, 3, 64, 40)).isfinite().all()


@needs_golden
def test_resnet18_with_cbam_computes_what_the_authors_compute_stage_by_stage():
    model = create_model("resnet18", "cbam")
    stages = {f"layer{number}": stage for number, stage in enumerate(model.stages, start=1)}
    layout = check_model("model_resnet18_cbam", model, stages)
    assert layout == "Jongchan/attention-module"


# layout, backbone, block, options; what they call a residual's block, and the parts of it
OFFICIAL = [
    ("torchvision", "resnet18", "none", {}, "", {}),
    ("torchvision", "resnext50", "none", {}, "", {}),
    (
        *("Jongchan/attention-module", "resnet50", "cbam", {}, "cbam"),
        {
            "reduce": "ChannelGate.mlp.1",
            "expand": "ChannelGate.mlp.3",
            "conv": "SpatialGate.spatial.conv",
            "norm": "SpatialGate.spatial.bn",
        },
    ),
    ("Christian-lyc/NAM Att", "resnet50-cifar", "nam", {}, "nam", {"norm": "Channel_Att.bn2"}),
    (
        *("landskape-ai/triplet-attention", "resnet18", "triplet", {}, "triplet_attention"),
        {
            "rows.conv": "hc.conv.conv",
            "rows.norm": "hc.conv.bn",
            "columns.conv": "cw.conv.conv",
            "columns.norm": "cw.conv.bn",
            "pixels.conv": "hw.conv.conv",
            "pixels.norm": "hw.conv.bn",
        },
    ),
    (
        *("moskomule/senet.pytorch", "resnet50", "se", {"bias": False}, "se"),
        {"reduce": "fc.0", "expand": "fc.2"},
    ),
    (
        *("YimianDai/open-aff", "resnet18", "aff", {}, "fuse_mode"),
        {
            "context.local": "local_att",
            **{f"context.whole.{i}": f"global_att.{i + 1}" for i in range(5)},
        },
    ),
    (
        *("YimianDai/open-aff", "resnet50-fused", "iaff", {}, "fuse_mode"),
        {
            "first.local": "local_att",
            **{f"first.whole.{i}": f"global_att.{i + 1}" for i in range(5)},
            "second.local": "local_att2",
            **{f"second.whole.{i}": f"global_att2.{i + 1}" for i in range(5)},
        },
    ),
]


@pytest.mark.parametrize(("layout", "name", "block", "options", "place", "parts"), OFFICIAL)
def test_recognises_the_authors_checkpoints(layout, name, block, options, place, parts):
    model = create_model(name, block, num_classes=3, **options)
    state = {k: torch.rand_like(v) if v.dim() else v for k, v in model.state_dict().items()}
    renamed = {their_name(key, place, parts): value for key, value in state.items()}
    assert len(renamed) == len(state)
    assert load_official(model, renamed) == layout
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())


def their_name(key, place, parts):
    """Torchvision's names, written down again, and the authors' for the block in a residual."""
    if key.startswith(("stem.0.", "head.linear")):
        return (
            key.replace("stem.0.conv", "conv1")
            .replace("stem.0.norm", "bn1")
            .replace("head.linear", "fc")
        )
    _, stage, at, part, *rest = key.split(".")
    inside = f"layer{int(stage) + 1}.{at}"
    if part == "body":
        kind = {"conv": "conv", "norm": "bn"}[rest[1]]
        return ".".join([inside, f"{kind}{int(rest[0]) + 1}", *rest[2:]])
    if part == "shortcut":
        return ".".join([inside, "downsample", {"conv": "0", "norm": "1"}[rest[0]], *rest[1:]])
    for ours, theirs in parts.items():
        if ".".join(rest).startswith(f"{ours}."):
            return f"{inside}.{place}.{theirs}{'.'.join(rest).removeprefix(ours)}"
    raise AssertionError(key)


def test_bam_is_numbered_by_stage_and_a_deep_stem_is_one_sequence():
    model = create_model("resnet18", "bam", num_classes=3)
    names = {model.layouts()[-1].theirs(key) for key in model.state_dict()}
    assert {f"bam{n}.channel_att.gate_c.gate_c_fc_0.weight" for n in (1, 2, 3)} <= names
    model = create_model("resnet50-d", num_classes=3)
    names = {model.layouts()[0].theirs(key) for key in model.state_dict()}
    assert {f"conv1.{i}.weight" for i in (0, 1, 3, 4, 6)} <= names
    assert {"bn1.weight", "layer1.0.downsample.1.weight", "layer2.0.downsample.2.bias"} <= names


@pytest.mark.parametrize("fusion", FUSIONS)
def test_calibrated_fusions_neither_explode_nor_fall_silent(fusion):
    torch.manual_seed(0)
    model = create_model("resnet50-fused", fusion, num_classes=10)
    calibration = calibrate(model, (64, 48), 0)
    assert len(calibration.gates) == 16 * (2 if fusion == "iaff" else 1)
    assert calibration.missed == ()
    images = natural_images(4, (64, 48), 1)
    with torch.inference_mode():
        y32, y64 = model(images), model.double()(images.double())
    assert y64.abs().max() < 100
    assert y64.std(dim=0).min() > 1e-3 * y64.abs().max()  # images differ in every logit
    rounding = (y32 - y64).abs().max() / y64.abs().max()
    assert 16 * rounding < 0.1  # a gate that allows so much still sees what matters
