"""YOLOv5 and YOLOv8: published sizes, decoding by hand, and where attention goes."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from attnbench_models import block_paths, calibrate, count, create_model, load_official
from attnbench_models.backbones import yolov5, yolov8
from attnbench_models.backbones.yolo_layers import STRIDES
from attnbench_models.natural import natural_images

# backbone, block, width, classes: parameters as published, and with every BatchNorm folded
PUBLISHED = {
    ("yolov5s", "none", 1.0, 80): (7_235_389, 7_225_885),
    ("yolov5s", "none", 0.5, 80): (1_872_157, 1_867_405),
    ("yolov5s", "coord", 1.0, 6): (None, 7_051_955),
    ("yolov8n", "none", 1.0, 80): (3_157_200, 3_151_904),
    ("yolov8n", "none", 2.0, 80): (11_166_560, 11_156_544),
}
DFL = 16  # constants of YOLOv8's decoding that the published counts hold


def made(name, block="none", *, width=1.0, classes=80, **options):
    torch.manual_seed(0)
    return create_model(name, block, width=width, num_classes=classes, **options).eval()


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def folded(model):
    """Without the scale and shift of a BatchNorm that follows a convolution, but with a bias."""
    norms = [
        part
        for path, part in model.named_modules()
        if isinstance(part, nn.BatchNorm2d) and ".attention." not in path
    ]
    return parameters(model) - sum(norm.num_features for norm in norms)


@pytest.mark.parametrize(("name", "block", "width", "classes"), PUBLISHED)
def test_parameters_are_the_published_ones(name, block, width, classes):
    with torch.device("meta"):
        model = made(name, block, width=width, classes=classes)
    constants = DFL if name == "yolov8n" else 0
    whole, without_norms = PUBLISHED[name, block, width, classes]
    assert whole in (None, parameters(model) + constants)
    assert folded(model) + constants == without_norms


# 2 multiply-accumulates in 10^9 at 640 x 640, as published (with a little more than convolutions)
@pytest.mark.parametrize(("name", "published"), [("yolov5s", 16.5), ("yolov8n", 8.7)])
def test_multiply_accumulates_are_the_published_ones(name, published):
    with torch.device("meta"):
        *rows, total = count(made(name), torch.empty(1, 3, 640, 640))
    assert 2 * total.macs / 1e9 == pytest.approx(published, abs=0.1)
    assert sum(row.macs for row in rows) == total.macs
    assert sum(row.parameters for row in rows) == total.parameters


def test_the_numbers_of_the_docstrings_hold():
    with torch.device("meta"):
        cbam, coord = (parameters(made("yolov5s", block)) for block in ("cbam", "coord"))
        eight = [parameters(made("yolov8n", width=width)) for width in (1, 2)]
    five = yolov5.YOLOv5.__doc__
    assert all(f"{n:,}" in five for n in (cbam, coord, 7_235_389, 7_225_885, 1_872_157, 7_051_955))
    assert (round(coord / 1e6, 2), round(cbam / 1e6, 2)) == (7.26, 7.27)
    numbers = (*eight, *(n + DFL for n in eight))
    assert all(f"{number:,}" in yolov8.YOLOv8.__doc__ for number in numbers)


@pytest.mark.parametrize("name", ["yolov5s", "yolov8n"])
def test_attention_is_the_last_stage_before_the_pyramid_pool(name):
    model = made(name, "coord", width=0.5)
    attention = [path for path, kind in block_paths(model) if kind == "attention"]
    assert attention == ["stages.3.attention"]
    assert model.pool.cv1.conv.in_channels == model.stages[3].attention.conv_h.out_channels
    seen = []
    for name, part in (("attention", model.stages[3].attention), ("pool", model.pool)):
        part.register_forward_hook(lambda *_, name=name: seen.append(name))
    model(torch.zeros(1, 3, 64, 64))
    assert seen == ["attention", "pool"]


@pytest.mark.parametrize("name", ["yolov5s", "yolov8n"])
def test_paths_are_modules_in_forward_order(name):
    model = made(name, "coord", width=0.5)
    paths = [path for path, _ in block_paths(model)]
    assert [path.partition(".")[0] for path in paths if "." not in path] == [
        "stem",
        "pool",
        "neck",
        "head",
    ]
    assert all(isinstance(model.get_submodule(path), nn.Module) for path in paths)


@pytest.mark.parametrize("name", ["yolov5s", "yolov8n"])
@pytest.mark.parametrize("size", [(64, 96), (97, 65), (200, 72)])
def test_every_size_gives_one_row_a_candidate(name, size):
    model = made(name, width=0.5, classes=3)
    with torch.inference_mode():
        boxes, scores = model(torch.randn(2, 3, *size))
    maps = sum(math.prod(s) for s in map_sizes(name, size))
    each = 3 if name == "yolov5s" else 1
    assert boxes.shape == (2, maps * each, 4)
    assert scores.shape == (2, maps * each, 3)
    assert 0 <= float(scores.min()) <= float(scores.max()) <= 1


def map_sizes(name, size):
    """Rows and columns of the three maps: halved five times, the first of YOLOv5 rounding down."""
    sides = []
    for side in size:
        first = side // 2 if name == "yolov5s" else math.ceil(side / 2)
        sides.append([math.ceil(first / 2**k) for k in (2, 3, 4)])
    return list(zip(*sides, strict=True))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_yolov5_decodes_as_its_formula_says():
    rng = np.random.default_rng(0)
    classes, sizes = 2, [(4, 6), (2, 3), (1, 2)]
    maps = [rng.standard_normal((2, 3 * (5 + classes), *size)) for size in sizes]
    boxes, scores = yolov5.Decode().double()([torch.from_numpy(one) for one in maps])
    wanted = []
    for image in range(2):
        for said, stride, anchors in zip(maps, STRIDES, yolov5.ANCHORS, strict=True):
            for row, column, anchor in np.ndindex(*said.shape[2:], 3):
                s = sigmoid(said[image, anchor * 7 : anchor * 7 + 7, row, column])
                x = (2 * s[0] - 0.5 + column) * stride
                y = (2 * s[1] - 0.5 + row) * stride
                w, h = (2 * s[2:4]) ** 2 * anchors[anchor]
                wanted.append([x, y, w, h, *s[4] * s[5:]])
    got = torch.cat([boxes, scores], dim=-1).reshape(-1, 4 + classes).numpy()
    assert np.abs(got - wanted).max() < 1e-10


def test_yolov8_decodes_as_its_formula_says():
    rng = np.random.default_rng(0)
    classes, sizes = 2, [(4, 6), (2, 3), (1, 2)]
    distances = [rng.standard_normal((2, 64, *size)) for size in sizes]
    logits = [rng.standard_normal((2, classes, *size)) for size in sizes]
    boxes, scores = yolov8.Decode().double()(
        [torch.from_numpy(one) for one in distances], [torch.from_numpy(one) for one in logits]
    )
    wanted = []
    for image in range(2):
        for said, logit, stride in zip(distances, logits, STRIDES, strict=True):
            for row, column in np.ndindex(*said.shape[2:]):
                odds = np.exp(said[image, :, row, column]).reshape(4, 16)
                left, top, right, bottom = (odds @ np.arange(16)) / odds.sum(1) * stride
                x1, x2 = (column + 0.5) * stride - left, (column + 0.5) * stride + right
                y1, y2 = (row + 0.5) * stride - top, (row + 0.5) * stride + bottom
                box = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]
                wanted.append([*box, *sigmoid(logit[image, :, row, column])])
    got = torch.cat([boxes, scores], dim=-1).reshape(-1, 4 + classes).numpy()
    assert np.abs(got - wanted).max() < 1e-10


@pytest.mark.parametrize("name", ["yolov5s", "yolov8n"])
def test_calibrated_scores_are_spread_out(name):
    model = made(name, "coord", width=0.5, classes=4)
    report = calibrate(model, (64, 64), seed=0)
    assert not report.missed
    with torch.inference_mode():
        boxes, scores = model(natural_images(8, (64, 64), 0))
    assert float(scores.std()) > 0.15
    assert float(boxes[..., 2:].min()) > 0


# Ultralytics' names of what the first and the last part of ours are called
KEYS = {
    "yolov5s": {
        "stem.conv.weight": "model.0.conv.weight",
        "stages.3.mix.m.0.cv2.norm.running_mean": "model.8.m.0.cv2.bn.running_mean",
        "stages.3.attention.bn1.bias": "model.9.bn1.bias",
        "pool.cv1.conv.weight": "model.10.cv1.conv.weight",
        "neck.reduce5.norm.weight": "model.11.bn.weight",
        "neck.down5.cv3.conv.weight": "model.24.cv3.conv.weight",
        "head.m.2.bias": "model.25.m.2.bias",
        "head.decode.anchors": "model.25.anchors",
    },
    "yolov8n": {
        "stem.norm.weight": "model.0.bn.weight",
        "stages.3.attention.conv_h.bias": "model.9.conv_h.bias",
        "pool.cv2.norm.weight": "model.10.cv2.bn.weight",
        "neck.up4.m.0.cv1.norm.bias": "model.13.m.0.cv1.bn.bias",
        "neck.halve4.conv.weight": "model.20.conv.weight",
        "head.cv3.1.0.norm.bias": "model.23.cv3.1.0.bn.bias",
        "head.cv2.0.2.bias": "model.23.cv2.0.2.bias",
        "head.decode.bins": "model.23.dfl.conv.weight",
    },
}


@pytest.mark.parametrize("name", KEYS)
def test_loads_weights_by_the_names_of_ultralytics(name):
    model = made(name, "coord", width=0.5, classes=4)
    (layout,) = model.layouts()[:1]
    assert {ours: layout.theirs(ours) for ours in KEYS[name]} == KEYS[name]
    state = {key: torch.rand_like(v) if v.dim() else v for key, v in model.state_dict().items()}
    theirs = {layout.theirs(key): value for key, value in state.items()}
    assert len(theirs) == len(state)
    assert load_official(made(name, "coord", width=0.5, classes=4), theirs) == "ultralytics"
    load_official(model, theirs)
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())
