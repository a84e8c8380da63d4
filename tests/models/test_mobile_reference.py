"""
Backbones for which no authors' outputs are at hand, worked out again from weights by their names.

Each reference is written from the published code that it is named after, on a state dict with that
code's names, and must use every one of them.
"""

import pytest
import torch
import torch.nn.functional as F

from attnbench_models import ModelError, create_model, load_official
from attnbench_models.backbones.efficientnet import STAGES
from attnbench_models.backbones.mobilenetv3 import HS, LARGE, SMALL


class Weights:
    """A state dict that knows which of its keys were used."""

    def __init__(self, state):
        self.state, self.used = state, {k for k in state if k.endswith("num_batches_tracked")}

    def take(self, key):
        self.used.add(key)
        return self.state[key]

    def conv(self, x, name, stride=1, padding=None, groups=1):
        weight = self.take(f"{name}.weight")
        bias = self.take(f"{name}.bias") if f"{name}.bias" in self.state else None
        same = (weight.shape[2] // 2, weight.shape[3] // 2)
        return F.conv2d(x, weight, bias, stride, same if padding is None else padding, 1, groups)

    def depthwise(self, x, name, stride):
        return self.conv(x, name, stride, groups=x.shape[1])

    def norm(self, x, name, eps=1e-5):
        mean, var, weight, bias = (
            self.take(f"{name}.{part}")
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(x, mean, var, weight, bias, eps=eps)

    def linear(self, x, name):
        return F.linear(x, self.take(f"{name}.weight"), self.take(f"{name}.bias"))


def mobilenetv3(w, x, units):
    """d-li14/mobilenetv3.pytorch, mobilenetv3.py."""
    x = F.hardswish(w.norm(w.conv(x, "features.0.0", 2), "features.0.1"))
    for i, (_, expansion, _, gated, activation, stride) in enumerate(units, 1):
        act = F.hardswish if activation is HS else F.relu
        name, y = f"features.{i}.conv", x
        if expansion == 1:
            y = act(w.norm(w.depthwise(y, f"{name}.0", stride), f"{name}.1"))
            y = squeeze(w, y, f"{name}.3") if gated else y
            y = w.norm(w.conv(y, f"{name}.4"), f"{name}.5")
        else:
            y = act(w.norm(w.conv(y, f"{name}.0"), f"{name}.1"))
            y = w.norm(w.depthwise(y, f"{name}.3", stride), f"{name}.4")
            y = act(squeeze(w, y, f"{name}.5") if gated else y)
            y = w.norm(w.conv(y, f"{name}.7"), f"{name}.8")
        x = x + y if x.shape == y.shape else y
    x = F.hardswish(w.norm(w.conv(x, "conv.0"), "conv.1")).mean((2, 3))
    return w.linear(F.hardswish(w.linear(x, "classifier.0")), "classifier.3")


def squeeze(w, x, name):
    gate = w.conv(F.relu(w.conv(x.mean((2, 3), keepdim=True), f"{name}.fc.0")), f"{name}.fc.2")
    return x * F.relu6(gate + 3) / 6


def efficientnet(w, x, gate):
    """timm, efficientnet_b0; `gate` is what its se modules are."""
    x = F.silu(w.norm(w.conv(x, "conv_stem", 2), "bn1"))
    for stage, (expansion, _, repeats, first, _) in enumerate(STAGES):
        for repeat in range(repeats):
            name, y, stride = f"blocks.{stage}.{repeat}", x, first if repeat == 0 else 1
            if expansion == 1:
                y = F.silu(w.norm(w.depthwise(y, f"{name}.conv_dw", stride), f"{name}.bn1"))
                y = w.norm(w.conv(gate(w, y, f"{name}.se"), f"{name}.conv_pw"), f"{name}.bn2")
            else:
                y = F.silu(w.norm(w.conv(y, f"{name}.conv_pw"), f"{name}.bn1"))
                y = F.silu(w.norm(w.depthwise(y, f"{name}.conv_dw", stride), f"{name}.bn2"))
                y = w.norm(w.conv(gate(w, y, f"{name}.se"), f"{name}.conv_pwl"), f"{name}.bn3")
            x = x + y if x.shape == y.shape else y
    x = F.silu(w.norm(w.conv(x, "conv_head"), "bn2"))
    return w.linear(x.mean((2, 3)), "classifier")


def timm_squeeze(w, x, name):
    mean = x.mean((2, 3), keepdim=True)
    return x * w.conv(F.silu(w.conv(mean, f"{name}.conv_reduce")), f"{name}.conv_expand").sigmoid()


def coordinate(w, x, name):
    """houqb/CoordAttention, coordatt.py."""
    strips = torch.cat([x.mean(3), x.mean(2)], dim=2).unsqueeze(3)
    mixed = F.hardswish(w.norm(w.conv(strips, f"{name}.conv1"), f"{name}.bn1"))
    rows, columns = mixed.split([x.shape[2], x.shape[3]], dim=2)
    a = w.conv(rows, f"{name}.conv_h").sigmoid()
    return x * a * w.conv(columns, f"{name}.conv_w").sigmoid().transpose(2, 3)


def shufflenet(w, x):
    """torchvision, shufflenetv2.py."""
    x = F.relu(w.norm(w.conv(x, "conv1.0", 2), "conv1.1"))
    x = F.max_pool2d(x, 3, 2, 1)
    for stage, repeats in zip((2, 3, 4), (4, 8, 4), strict=True):
        for repeat in range(repeats):
            name, stride = f"stage{stage}.{repeat}", 2 if repeat == 0 else 1
            kept, y = x.chunk(2, dim=1) if repeat else (x, x)
            if repeat == 0:
                kept = w.norm(w.depthwise(x, f"{name}.branch1.0", 2), f"{name}.branch1.1")
                kept = F.relu(w.norm(w.conv(kept, f"{name}.branch1.2"), f"{name}.branch1.3"))
            y = F.relu(w.norm(w.conv(y, f"{name}.branch2.0"), f"{name}.branch2.1"))
            y = w.norm(w.depthwise(y, f"{name}.branch2.3", stride), f"{name}.branch2.4")
            y = F.relu(w.norm(w.conv(y, f"{name}.branch2.5"), f"{name}.branch2.6"))
            x = F.channel_shuffle(torch.cat([kept, y], dim=1), 2)
    x = F.relu(w.norm(w.conv(x, "conv5.0"), "conv5.1"))
    return w.linear(x.mean((2, 3)), "fc")


def basic(w, x, name, stride=1, padding=None):
    x = w.conv(x, f"{name}.conv", stride, padding)
    return F.relu(w.norm(x, f"{name}.bn", eps=1e-3))


def chain(w, x, name, steps, stride=1):
    for step in range(1, steps):
        x = basic(w, x, f"{name}_{step}")
    return basic(w, x, f"{name}_{steps}", stride, None if stride == 1 else 0)


def pooled(w, x, n):
    return basic(w, F.avg_pool2d(x, 3, 1, 1), f"{n}.branch_pool")


def early(w, x, n):
    five, three = chain(w, x, f"{n}.branch5x5", 2), chain(w, x, f"{n}.branch3x3dbl", 3)
    return basic(w, x, f"{n}.branch1x1"), five, three, pooled(w, x, n)


def middle(w, x, n):
    once, twice = chain(w, x, f"{n}.branch7x7", 3), chain(w, x, f"{n}.branch7x7dbl", 5)
    return basic(w, x, f"{n}.branch1x1"), once, twice, pooled(w, x, n)


def late(w, x, n):
    once, twice = basic(w, x, f"{n}.branch3x3_1"), chain(w, x, f"{n}.branch3x3dbl", 2)
    forks = [basic(w, once, f"{n}.branch3x3_2{fork}") for fork in "ab"]
    forks += [basic(w, twice, f"{n}.branch3x3dbl_3{fork}") for fork in "ab"]
    return basic(w, x, f"{n}.branch1x1"), *forks, pooled(w, x, n)


def shrink(w, x, n):
    twice = chain(w, x, f"{n}.branch3x3dbl", 3, stride=2)
    return basic(w, x, f"{n}.branch3x3", 2, 0), twice, F.max_pool2d(x, 3, 2)


def shrink_again(w, x, n):
    three = chain(w, x, f"{n}.branch3x3", 2, stride=2)
    return three, chain(w, x, f"{n}.branch7x7x3", 4, stride=2), F.max_pool2d(x, 3, 2)


MIXED = dict.fromkeys(("5b", "5c", "5d"), early) | {"6a": shrink}
MIXED |= dict.fromkeys(("6b", "6c", "6d", "6e"), middle) | {"7a": shrink_again}
MIXED |= dict.fromkeys(("7b", "7c"), late)


def inception(w, x):
    """torchvision, inception.py, in evaluation."""
    x = basic(w, basic(w, x, "Conv2d_1a_3x3", 2, 0), "Conv2d_2a_3x3", 1, 0)
    x = F.max_pool2d(basic(w, x, "Conv2d_2b_3x3"), 3, 2)
    x = basic(w, basic(w, x, "Conv2d_3b_1x1"), "Conv2d_4a_3x3", 1, 0)
    x = F.max_pool2d(x, 3, 2)
    for name, module in MIXED.items():
        x = torch.cat(module(w, x, f"Mixed_{name}"), dim=1)
    return w.linear(x.mean((2, 3)), "fc")


# backbone, block and width; the layout's name, and a key of it; reference; height and width
CASES = {
    "mobilenetv3-large": (
        ("mobilenetv3-large", None, 1.0),
        ("d-li14/mobilenetv3.pytorch", "features.4.conv.5.fc.0.weight"),
        lambda w, x: mobilenetv3(w, x, LARGE),
        (64, 48),
    ),
    "mobilenetv3-small, narrow": (
        ("mobilenetv3-small", None, 0.75),
        ("d-li14/mobilenetv3.pytorch", "features.4.conv.5.fc.0.weight"),
        lambda w, x: mobilenetv3(w, x, SMALL),
        (49, 64),
    ),
    "efficientnet-b0": (
        ("efficientnet-b0", None, 1.0),
        ("timm efficientnet_b0", "blocks.0.0.se.conv_reduce.bias"),
        lambda w, x: efficientnet(w, x, timm_squeeze),
        (64, 48),
    ),
    "efficientnet-b0, coord": (
        ("efficientnet-b0", "coord", 1.0),
        ("timm efficientnet_b0", "blocks.0.0.se.conv_h.bias"),
        lambda w, x: efficientnet(w, x, coordinate),
        (65, 48),
    ),
    "shufflenetv2": (
        ("shufflenetv2", None, 0.5),
        ("torchvision shufflenet_v2", "fc.bias"),
        shufflenet,
        (64, 47),
    ),
    "inception-v3": (
        ("inception-v3", None, 1.0),
        ("torchvision inception_v3", "fc.bias"),
        inception,
        (80, 97),
    ),
}


def drawn(key, like, generator):
    if not like.dim():
        return like
    value = torch.randn(like.shape, generator=generator, dtype=torch.float64)
    if like.dim() > 1:
        return value * (2 / like[0].numel()) ** 0.5
    if key.endswith(("running_var", "weight")):
        return value.abs() / 2 + 0.5
    return value / 10


@pytest.mark.parametrize("case", CASES)
def test_backbone_is_the_published_code_on_its_own_names(case):
    (backbone, block, width), layout, reference, size = CASES[case]
    model = create_model(backbone, block, width=width, num_classes=7).double().eval()
    generator = torch.Generator().manual_seed(0)
    state = {k: drawn(k, v, generator) for k, v in model.state_dict().items()}
    theirs = renamed(model, state, *layout)
    assert load_official(model, theirs) == layout[0]
    weights, x = Weights(theirs), torch.randn(2, 3, *size, generator=generator).double()
    with torch.inference_mode():
        expected = reference(weights, x)
        assert (model(x) - expected).abs().max() < 1e-10 * expected.abs().max()
    assert weights.used == set(theirs)
    assert expected.std() > 1e-3


def renamed(model, state, name, key):
    """The state dict in the layout of that name that has that key."""
    candidates = [
        {layout.theirs(ours): value for ours, value in state.items()}
        for layout in model.layouts()
        if layout.name == name
    ]
    return next(theirs for theirs in candidates if key in theirs and len(theirs) == len(state))


def test_a_second_classifier_for_training_is_left_out_and_nothing_else_is():
    model = create_model("inception-v3", num_classes=3)
    theirs = renamed(model, model.state_dict(), "torchvision inception_v3", "fc.bias")
    auxiliary = {"AuxLogits.conv0.conv.weight": torch.ones(128, 768, 1, 1)}
    assert load_official(model, theirs | auxiliary) == "torchvision inception_v3"
    with pytest.raises(ModelError, match=r"unexpected: AuxLogits2\.fc\.bias"):
        load_official(model, theirs | {"AuxLogits2.fc.bias": torch.ones(3)})
