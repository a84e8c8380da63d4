"""Calibrated weights: BatchNorm statistics from data, and every gate far from a constant."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from attnbench_models import ModelError, Recipe, calibrate, create_model
from attnbench_models.build import build
from attnbench_models.gates import scale_for, softmax_scale_for, spread
from attnbench_models.natural import natural_images
from attnbench_models.weights import is_untrained

SIZE = (64, 48)
SIGMOIDS = {
    "se": 16,
    "cbam": 32,
    "coord": 32,
    "nam": 16,
    "coord-x": 16,
    "bam": 3,
    "triplet": 51,
    "ms-cam": 16,
    "gc": 16,
}


class SigmoidOutputs(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.stds = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if "sigmoid" in str(func):
            self.stds.append(out.double().std(correction=0).item())
        return out


def gate_stds(model, size=SIZE, seed=0):
    with torch.no_grad(), SigmoidOutputs() as seen:
        model.eval()(natural_images(8, size, seed))
    return seen.stds


@pytest.fixture(scope="module")
def calibrated():
    made = {block: build(Recipe(block=block, size=SIZE, num_classes=50)) for block in SIGMOIDS}
    return made.__getitem__


@pytest.mark.parametrize("block", sorted(SIGMOIDS.keys() - {"nam"}))
def test_every_gate_spreads_as_promised(calibrated, block):
    stds = gate_stds(calibrated(block))
    assert len(stds) == SIGMOIDS[block]
    assert all(abs(std - 0.25) <= 0.02 for std in stds), stds


def test_a_gate_that_shares_its_parameters_comes_second():
    """CPCA's perceptron makes two gates: the mean's is calibrated, the maximum's is what it is."""
    stds = gate_stds(build(Recipe(block="cpca", size=SIZE, num_classes=50)))
    assert all(abs(std - 0.25) <= 0.02 for std in stds[::2]), stds
    assert all(0.1 < std < 0.5 for std in stds[1::2]), stds


def test_nam_keeps_its_weights_because_its_gate_is_what_it_is(calibrated):
    nam = [residual.attention for residual in list(calibrated("nam").features)[1:]]
    assert all((one.norm.weight == 1).all() and not one.norm.bias.any() for one in nam)
    assert max(gate_stds(calibrated("nam"))) < 0.02


@pytest.mark.parametrize("place", [1, 8, 16])
def test_swapped_gates_show_in_the_output(calibrated, place):
    model, x = calibrated("coord"), natural_images(2, SIZE, 99)
    with torch.inference_mode():
        expected = model(x)
        attention = model.features[place].attention
        attention.conv_h, attention.conv_w = attention.conv_w, attention.conv_h
        swapped = model(x)
        attention.conv_h, attention.conv_w = attention.conv_w, attention.conv_h
    assert (swapped - expected).abs().max() > 1e-2 * (expected.max() - expected.min())


def test_every_batchnorm_sees_what_its_statistics_say(calibrated):
    model, seen = calibrated("cbam"), []
    hooks = [
        norm.register_forward_hook(lambda m, _, y: seen.append((m, y)))
        for norm in model.modules()
        if isinstance(norm, nn.BatchNorm2d)
    ]
    with torch.inference_mode():
        model(natural_images(8, SIZE, 0))
    for hook in hooks:
        hook.remove()
    assert len(seen) == 3 * 17 - 1 + 2 + 16
    for norm, y in seen:
        z = (y - norm.bias.view(1, -1, 1, 1)) / norm.weight.view(1, -1, 1, 1)
        assert z.mean((0, 2, 3)).abs().max() < 1e-3
        shrink = norm.running_var / (norm.running_var + norm.eps)
        assert (z.var((0, 2, 3), correction=0) - shrink).abs().max() < 1e-2


class Vectors(nn.Module):
    """A BatchNorm on pooled channels, of which the second one is hardly ever not 0."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(2)

    def forward(self, x):
        means = x.mean((2, 3), keepdim=True)
        return self.norm(torch.cat([means[:, :1], 1e-3 * means[:, 1:2]], 1))


def test_channels_of_vectors_share_the_variance_that_is_expected_of_other_images():
    model = Vectors()
    calibrate(model, SIZE, 0)
    images = natural_images(8, SIZE, 0).double()
    vectors = images.mean((2, 3))[:, :2] * torch.tensor([1, 1e-3])
    shared = vectors.var(0, correction=0).mean() * 9 / 7
    assert model.norm.running_mean.double() == pytest.approx(vectors.mean(0).tolist(), abs=1e-6)
    assert model.norm.running_var.double() == pytest.approx([shared.item()] * 2, rel=1e-4)


def small(gate):
    """A model of ours around a user's gate, calibrated from a fixed seed."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), gate(), nn.Conv2d(8, 2, 1))
    return model, calibrate(model, (24, 20), 0)


class Pooled(nn.Module):
    """Two linear layers on the pooled vector, the last without bias."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(8, 4), nn.Linear(4, 8, bias=False)

    def forward(self, x):
        z = self.last(F.relu(self.first(x.flatten(2).mean(2))))
        return x * torch.sigmoid(z)[:, :, None, None]


class Rearranged(nn.Module):
    """The scores take a way through every view that must not lose them."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8)

    def forward(self, x):
        z = self.norm(self.conv(x)).permute(0, 2, 3, 1).reshape(x.shape[0], -1, 8)
        left, right = z.transpose(1, 2).split([3, 5], dim=1)
        z = torch.cat([left, right], dim=1).contiguous().view(x.shape) / 2
        return x * z.mean(3, keepdim=True).expand_as(x).sigmoid()


class InPlace(nn.Module):
    """The conv's own output becomes the gate."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 1, 3, padding=1)

    def forward(self, x):
        return x * self.conv(x).sigmoid_()


class Hard(nn.Module):
    """MobileNetV3's gate."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.conv(x.mean((2, 3), keepdim=True)))


@pytest.mark.parametrize(
    ("gate", "names"),
    [
        (Pooled, ("2.last.weight",)),
        (Rearranged, ("2.norm.bias", "2.norm.weight")),
        (InPlace, ("2.conv.bias", "2.conv.weight")),
        (Hard, ("2.conv.bias", "2.conv.weight")),
    ],
)
def test_gates_of_other_people_are_found(gate, names):
    model, calibration = small(gate)
    (found,) = calibration.gates
    assert found.parameters == names
    assert found.std == pytest.approx(0.25, abs=0.02)
    assert calibration.missed == ()
    assert gate_stds(model, (24, 20)) == pytest.approx([found.std], abs=1e-4)


class Unscalable(nn.Module):
    """Scores that are no linear image of any parameters that could be scaled together."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):  # x is BatchNorm's output, so linear in its parameters
        z = self.conv(x)
        scores = [x + z, z * z, z + 1, 2 / z, z.relu(), self.conv(z), x + x.abs()]
        return sum(score.sigmoid() for score in scores)


def test_what_is_not_linear_in_the_parameters_is_left_alone_and_said():
    model, calibration = small(Unscalable)
    assert [(gate.parameters, gate.scale) for gate in calibration.gates] == [((), 1.0)] * 7
    torch.manual_seed(0)
    assert torch.equal(model[0].weight, nn.Conv2d(3, 8, 3).weight)
    assert torch.equal(model[1].weight, torch.ones(8))
    assert torch.equal(model[2].conv.weight, nn.Conv2d(8, 8, 1).weight)


class Parallel(nn.Module):
    """Two branches, each with its own last layer, add up to the scores, as in MS-CAM."""

    def __init__(self):
        super().__init__()
        self.here, self.everywhere = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return x * (self.here(x) + self.everywhere(x.mean((2, 3), keepdim=True))).sigmoid()


def test_branches_that_add_up_are_scaled_together():
    _, calibration = small(Parallel)
    (gate,) = calibration.gates
    assert len(gate.parameters) == 4
    assert gate.std == pytest.approx(0.25, abs=0.005)


class Multiplied(nn.Module):
    """A score per channel times a score per pixel, as in BAM; the first is scaled."""

    def __init__(self):
        super().__init__()
        self.channel, self.pixel = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 1, 1)

    def forward(self, x):
        return x * (self.channel(x.mean((2, 3), keepdim=True)) * self.pixel(x)).sigmoid()


def test_of_two_factors_one_is_scaled():
    model, calibration = small(Multiplied)
    (gate,) = calibration.gates
    assert gate.parameters == ("2.channel.bias", "2.channel.weight")
    assert gate.std == pytest.approx(0.25, abs=0.005)
    assert gate_stds(model, (24, 20)) == pytest.approx([gate.std], abs=1e-4)


class Attending(nn.Module):
    """Every pixel looks at all others, as in a non-local block."""

    def __init__(self):
        super().__init__()
        self.query, self.key = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, 1)

    def forward(self, x):
        queries, keys = self.query(x).flatten(2), self.key(x).flatten(2)
        self.weights = torch.bmm(queries.transpose(1, 2), keys).softmax(dim=2)
        return torch.bmm(x.flatten(2), self.weights.transpose(1, 2)).view(x.shape)


def test_a_softmax_is_half_way_between_even_and_a_choice_of_one():
    model, calibration = small(Attending)
    (gate,) = calibration.gates
    assert gate.parameters == ("2.query.bias", "2.query.weight")
    assert gate.std == pytest.approx(0.25, abs=0.02)
    with torch.inference_mode():
        model(natural_images(8, (24, 20), 0))
    weights = model[2].weights
    count = weights.shape[2]
    largest = float(torch.eye(count).std(correction=0))
    assert float(weights.std(correction=0)) == pytest.approx(largest / 2, rel=0.1)
    even = torch.full((3, count), 1 / count)
    assert [spread(even, 1), spread(torch.eye(count), 1)] == pytest.approx([0, 0.5], abs=1e-6)


def test_a_softmax_over_two_counts_as_the_sigmoid_that_it_is():
    scores = torch.randn(1000, 2)
    assert spread(scores.softmax(1), 1) == pytest.approx(spread(scores.softmax(1)))
    scale = softmax_scale_for(scores, 1, target=0.25)
    assert scale == pytest.approx(
        scale_for((scores[:, 0] - scores[:, 1]), torch.sigmoid, target=0.25), rel=0.05
    )


def test_a_softmax_over_one_is_constant():
    assert spread(torch.ones(5, 1), 1) == 0
    assert softmax_scale_for(torch.randn(5, 1), 1, target=0.25) == 1


class Shared(nn.Module):
    """One conv makes two gates; only the first may scale it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        a, b = self.conv(x), self.conv(x.mean((2, 3), keepdim=True))
        return x * a.sigmoid() * b.sigmoid()


def test_shared_parameters_are_scaled_once_and_measured_as_they_end_up():
    model, calibration = small(Shared)
    first, second = calibration.gates
    assert first.parameters == ("2.conv.bias", "2.conv.weight")
    assert (second.parameters, second.scale) == ((), 1.0)
    assert second in calibration.missed
    assert gate_stds(model, (24, 20)) == pytest.approx([first.std, second.std], abs=1e-4)


class Swish(nn.Module):
    """x sigmoid(x) by hand: the scaled value is used outside of the gate as well."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.after = nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8), Pooled()

    def forward(self, x):
        z = self.norm(self.conv(x))
        return self.after(z * z.sigmoid())


def test_a_gate_that_reads_its_own_argument_is_calibrated_consistently():
    model, calibration = small(Swish)
    assert calibration.missed == ()
    assert gate_stds(model, (24, 20)) == pytest.approx([g.std for g in calibration.gates], abs=1e-4)


def test_a_gate_that_cannot_spread_comes_as_near_as_it_can():
    one_sign = torch.linspace(1.0, 1.2, 1000)
    best = scale_for(one_sign, torch.sigmoid, target=0.25)
    spread = torch.sigmoid(one_sign * best).std()
    for factor in (0.5, 2.0):
        assert torch.sigmoid(one_sign * best * factor).std() < spread
    assert scale_for(torch.zeros(10), torch.sigmoid, target=0.25) == 1.0


@pytest.mark.parametrize("magnitude", [1e-3, 1.0, 1e3])
def test_the_scale_is_found_from_afar(magnitude):
    scores = magnitude * torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    scale = scale_for(scores, torch.sigmoid, target=0.25)
    assert torch.sigmoid(scores * scale).std().item() == pytest.approx(0.25, abs=0.004)


def test_the_report_names_scale_and_spread():
    torch.manual_seed(0)
    model = create_model("mobilenetv2", "se", width=0.35, num_classes=2)
    before = {k: v.clone() for k, v in model.named_parameters()}
    calibration = calibrate(model, (32, 32), 3)
    assert len(calibration.gates) == 16
    after, scaled = dict(model.named_parameters()), set()
    for gate in calibration.gates:
        scaled |= set(gate.parameters)
        for name in gate.parameters:
            assert torch.allclose(after[name], before[name] * gate.scale)
    unscaled = set(after) - scaled
    assert all(torch.equal(after[name], before[name]) for name in unscaled)
    assert not any(math.isnan(gate.std) for gate in calibration.gates)


def test_a_model_of_one_channel_is_refused_in_a_line():
    with pytest.raises(
        ModelError, match=r"Conv2d does not take a \(8, 3, 16, 16\) input"
    ) as caught:
        calibrate(nn.Conv2d(1, 4, 3), (16, 16), 0)
    assert "\n" not in str(caught.value)


def test_a_model_is_untrained_while_its_norms_have_seen_nothing():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    assert is_untrained(model)
    model(torch.randn(4, 3, 5, 5))
    assert not is_untrained(model)
    assert not is_untrained(nn.Conv2d(3, 4, 1))
