"""Channels that are removed take nothing with them."""

import copy

import pytest
import torch
from torch import nn

from attnbench_models import ModelError, Recipe, create_model, prune_channels, sparsity_penalty
from attnbench_models.build import build
from attnbench_models.pruning import Prunable

SIZE = (40, 32)
THRESHOLD = 0.01


def trained(backbone, block, *, width=None):
    """A model in float64 whose BatchNorms are as after training with the sparsity penalty."""
    torch.manual_seed(0)
    scale = {} if width is None else {"width": width}
    model = create_model(backbone, block, num_classes=5, **scale).double().eval()
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.normal_(norm.running_mean, std=0.3)
        nn.init.uniform_(norm.running_var, 0.5, 2)
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
        with torch.no_grad():
            norm.weight[torch.rand_like(norm.weight) < 0.3] *= THRESHOLD / 10
    return model


def widths(model):
    return {
        (path, number): width
        for path, unit in model.named_modules()
        if isinstance(unit, Prunable)
        for number, width in enumerate(unit.widths())
    }


def silenced(model, found):
    """The model with the small scales of the removed channels at exactly 0."""
    model = copy.deepcopy(model)
    everything = widths(model)
    for one in found:
        for maker in everything[one.path, one.width].makers:
            weight = maker.norm.weight.data
            chosen = torch.zeros_like(weight, dtype=torch.bool)
            chosen[list(one.removed)] = True
            weight[chosen & (weight.abs() <= THRESHOLD)] = 0
    return model


@pytest.mark.parametrize(
    ("backbone", "block"),
    [("mobilenetv2", "none"), ("mobilenetv2", "nam"), ("resnet18", "nam"), ("resnet50", "nam")],
)
def test_what_is_left_computes_what_silent_channels_would(backbone, block):
    model = trained(backbone, block, width=0.35 if backbone == "mobilenetv2" else None)
    before = copy.deepcopy(model)
    found = prune_channels(model, THRESHOLD)
    assert found
    assert sum(p.numel() for p in model.parameters()) < sum(p.numel() for p in before.parameters())
    for one in found:
        place = (one.path, one.width)
        counts = [widths(m)[place].reader.conv.in_channels for m in (before, model)]
        assert counts == [one.channels, one.channels - len(one.removed)]
        assert counts[1] > 0
    x = torch.randn(2, 3, *SIZE, dtype=torch.float64)
    with torch.inference_mode():
        expected, y = silenced(before, found)(x), model(x)
        assert (y - expected).abs().max() < 1e-11 * expected.abs().max()
        if backbone != "resnet18":  # where a 3x3 kernel reads all that could go, only zeros go
            assert (y - before(x)).abs().max() > 1e-9 * expected.abs().max()


def test_at_zero_only_rounding_changes():
    model = trained("mobilenetv2", "nam", width=0.35)
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.weight.data[norm.weight.abs() <= THRESHOLD] = 0
    before = copy.deepcopy(model)
    assert prune_channels(model, 0)
    x = torch.randn(2, 3, *SIZE, dtype=torch.float64)
    with torch.inference_mode():
        assert (model(x) - before(x)).abs().max() < 1e-11 * before(x).abs().max()


def with_scales(gamma, beta):
    """MobileNetV2 whose second unit has one expanded channel like this, others are at 1 and 0."""
    model = create_model("mobilenetv2", "none", width=0.35, num_classes=2).eval()
    norm = model.features[1].expand.norm
    norm.weight.data[7], norm.bias.data[7] = gamma, beta
    return model


@pytest.mark.parametrize(
    ("beta", "removed"), [(-0.5, ((7,),)), (0.0, ((7,),)), (0.5, ())], ids=["below", "0", "above"]
)
def test_a_channel_that_is_not_zero_stays_before_a_padded_kernel(beta, removed):
    found = prune_channels(with_scales(0.0, beta), 0)
    assert tuple(one.removed for one in found) == removed


def test_a_constant_before_a_kernel_of_one_pixel_moves_on():
    model = create_model("mobilenetv2", "none", width=0.35, num_classes=2).eval().double()
    norm = model.features[1].depthwise.norm
    norm.weight.data[3], norm.bias.data[3] = 0.0, 2.0
    before = copy.deepcopy(model)
    (one,) = prune_channels(model, 0)
    assert (one.path, one.removed) == ("features.1", (3,))
    x = torch.randn(1, 3, *SIZE, dtype=torch.float64)
    with torch.inference_mode():
        assert (model(x) - before(x)).abs().max() < 1e-12


def test_other_attention_keeps_its_channels():
    model = trained("mobilenetv2", "se", width=0.35)
    assert prune_channels(model, THRESHOLD) == ()


def test_one_channel_is_left_at_least():
    model = create_model("mobilenetv2", "nam", width=0.35, num_classes=2).eval()
    for residual in list(model.features)[1:]:
        nn.init.zeros_(residual.depthwise.norm.weight)
    found = prune_channels(model, 0)
    assert len(found) == 16
    assert all(len(one.removed) == one.channels - 1 for one in found)
    with torch.inference_mode():
        assert model(torch.zeros(1, 3, *SIZE)).isfinite().all()


def test_grouped_convolutions_are_left_alone():
    model = trained("resnext50", "none")
    assert prune_channels(model, THRESHOLD) == ()


def test_what_cannot_be_pruned_says_so():
    with pytest.raises(ModelError, match="Sequential has no channels that could be pruned"):
        prune_channels(nn.Sequential(nn.Conv2d(3, 4, 1)), 0.1)
    with pytest.raises(ModelError, match="threshold must be 0 or more, not -1"):
        prune_channels(create_model("mobilenetv2"), -1)


def test_the_penalty_is_the_sum_of_scales_and_pulls_each_towards_zero():
    model = create_model("mobilenetv2", "nam", width=0.35, num_classes=2)
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.normal_(norm.weight)
    penalty = sparsity_penalty(model, 1e-4)
    total = sum(norm.weight.detach().double().abs().sum() for norm in norms)
    assert penalty.item() == pytest.approx(1e-4 * float(total), rel=1e-5)
    penalty.backward()
    for norm in norms:  # what the authors add to the gradient themselves
        assert torch.allclose(norm.weight.grad, 1e-4 * norm.weight.sign())
    with pytest.raises(ModelError, match="no BatchNorm"):
        sparsity_penalty(nn.Conv2d(3, 3, 1), 1e-4)


def test_a_recipe_prunes_the_weights_that_it_loads(tmp_path):
    model = trained("mobilenetv2", "nam", width=0.35).float()
    torch.save(model.state_dict(), tmp_path / "sparse.pth")
    facts = {"block": "nam", "width": 0.35, "num_classes": 5, "checkpoint": "sparse.pth"}
    facts["checkpoint"] = str(tmp_path / "sparse.pth")
    whole, pruned = Recipe(**facts), Recipe(prune=THRESHOLD, **facts)
    assert (whole.name, pruned.name) == (
        "mobilenetv2-w0.35-nam",
        "mobilenetv2-w0.35-nam-pruned0.01",
    )
    assert whole.key != pruned.key
    sizes = [sum(p.numel() for p in build(one).parameters()) for one in (whole, pruned)]
    assert sizes[1] < sizes[0]


def test_a_recipe_with_nothing_to_prune_is_refused():
    with pytest.raises(ModelError, match="no channel of mobilenetv2-nam-pruned0"):
        build(Recipe(block="nam", prune=0.01, size=(32, 32), num_classes=2))
    with pytest.raises(ValueError, match="prune must be 0 or more"):
        Recipe(prune=-0.1)
