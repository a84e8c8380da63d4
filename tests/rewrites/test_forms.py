"""Forms that are faster: that the zoo's blocks get them, and where they must hold back."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from attnbench.pipeline.reference import trace
from attnbench.rewrites import REWRITES, rewrite
from attnbench.rewrites.base import difference
from attnbench.rewrites.reductions import CHANNELS_TO_POOLS
from attnbench_models import Recipe
from attnbench_models.build import build
from tests.rewrites.cases import Calling, Projected, Scaled, Strips, aten, example, program, targets
from tests.rewrites.test_edges import applied_to, left_alone

EXPECTED = {
    ("coord", "onnx", "aarch64"): {
        "column-mean-to-convolution",
        "strips-apart",
        "turns-undone",
        "gates-by-matmul",
    },
    ("coord", "onnx", "x86_64"): {"strips-apart", "turns-undone", "gates-by-matmul"},
    ("coord", "tflite", "aarch64"): {"strips-apart", "turns-undone"},
    ("coord", "executorch", "aarch64"): {"strips-apart", "turns-undone"},
    ("se", "onnx", "aarch64"): set(),
    ("cbam", "onnx", "aarch64"): {
        "channel-mean-to-convolution",
        "channel-max-in-steps",
        "shared-layer-once",
        "gate-behind-projection",
    },
    ("cbam", "tflite", "x86_64"): {"shared-layer-once", "gate-behind-projection"},
    ("cbam", "executorch", "aarch64"): {
        "channels-to-pools",
        "joined-before-turned",
        "map-max-to-pool",
        "shared-layer-once",
        "gate-behind-projection",
        "rows-then-columns",
    },
}

FORMS = frozenset[str]().union(*EXPECTED.values())


@pytest.fixture(scope="module", params=["coord", "se", "cbam"])
def spread(request):
    """A block's name, and a slice with it whose gates spread, as a recipe's weights do."""
    return request.param, build(Recipe(model=f"tests.slices:{request.param}", size=(32, 24)))


@pytest.mark.parametrize("target", ["aarch64", "x86_64"])
@pytest.mark.parametrize("backend", ["onnx", "tflite", "executorch"])
def test_blocks_get_their_forms_and_stay_what_they_are(spread, backend, target):
    """Each block within 1e-5 of its range in float32, where gates are spread."""
    name, model = spread
    x = (torch.randn(1, 3, 32, 24),)
    seen = []
    hooks = [
        part.register_forward_hook(lambda module, args, _: seen.append((module, args[0])))
        for path, part in model.named_modules()
        if path.endswith(".attention")
    ]
    with torch.inference_mode():
        model(*x)
    for hook in hooks:
        hook.remove()
    assert len(seen) == 3
    chosen = [one for one in REWRITES if one.serves(backend, "fp32", target)]
    for block, taken in seen:
        graph = trace(block, (taken.clone(),)).module(check_guards=False)
        after, _ = rewrite(graph, (taken.clone(),), chosen)
        assert difference(block, after, (taken.clone(),)) < 1e-5
    _, applied = rewrite(trace(model, x).module(check_guards=False), x, chosen)
    names = {one.name for one in applied} & FORMS
    assert names == EXPECTED.get((name, backend, target), names)


def test_the_proof_sees_gates_that_are_exchanged():
    """With weights as they are made, exchanged gates would pass for rounding."""
    model = build(Recipe(model="tests.slices:coord", size=(32, 24)))
    block = model.get_submodule("features.2.attention")
    other = build(Recipe(model="tests.slices:coord", size=(32, 24)))
    wrong = other.get_submodule("features.2.attention")
    wrong.conv_h, wrong.conv_w = wrong.conv_w, wrong.conv_h
    assert difference(block, wrong, (torch.randn(1, 48, 8, 6),)) > 1e-2


def test_a_rewrite_serves_what_it_names():
    one = next(one for one in REWRITES if one.name == "column-mean-to-convolution")
    assert one.serves("onnx", "fp32", "aarch64")
    assert not one.serves("onnx", "fp32", "x86_64")
    assert not one.serves("onnx", "int8", "aarch64")
    assert not one.serves("tflite", "fp32", "aarch64")


class Joined(nn.Module):
    """Two maps in one, something done to it, and apart again."""

    def __init__(self, between, sizes=(6, 2), axis=2):
        super().__init__()
        self.between, self.sizes, self.axis = between, sizes, axis

    def forward(self, x):
        narrow = x.narrow(self.axis, 0, 2)
        joined = self.between(torch.cat([x, narrow], self.axis))
        first, second = joined.split(list(self.sizes), self.axis)
        return first.sum((1, 2, 3)) * second.amax((1, 2, 3))


class TestStrips:
    @pytest.mark.parametrize(
        "between",
        [
            nn.Sequential(nn.Conv2d(4, 2, 1), nn.BatchNorm2d(2), nn.Hardswish()),
            nn.Sequential(nn.Conv2d(4, 4, 1, groups=2, bias=False), nn.SiLU(inplace=True)),
            nn.Identity(),
        ],
    )
    @pytest.mark.parametrize(("axis", "sizes"), [(2, (6, 2)), (3, (5, 2)), (-1, (5, 2))])
    def test_single_pixels_are_computed_apart(self, between, axis, sizes):
        assert applied_to(Joined(between, sizes, axis), "strips-apart") == ("",)

    @pytest.mark.parametrize(
        "between",
        [
            nn.Conv2d(4, 4, 3, padding=1),
            nn.ReLU(inplace=True),  # of what somebody else may read
            nn.Softmax(2),
            Calling(lambda x: x - x.mean((2, 3), keepdim=True)),
            Calling(lambda x: x + torch.arange(8.0).view(8, 1)),
        ],
    )
    def test_others_stay(self, between):
        assert applied_to(Joined(between), "strips-apart") == ()

    def test_other_parts_stay(self):
        assert applied_to(Joined(nn.Sigmoid(), (4, 4)), "strips-apart") == ()

    def test_channels_stay(self):
        assert applied_to(Joined(nn.Sigmoid(), (4, 2), 1), "strips-apart") == ()

    def test_what_somebody_else_reads_stays(self):
        def read(x):
            mixed = torch.cat([x, x], 2).sigmoid()
            first, second = mixed.split([6, 6], 2)
            return first * second + mixed.sum()

        assert left_alone(read, "strips-apart")

    def test_authors_form_has_neither_copy_nor_turn(self):
        chosen = [one for one in REWRITES if one.serves("tflite", "fp32", "aarch64")]
        after, _ = rewrite(program(Strips()), example(), chosen)
        copies = {aten.cat.default, aten.permute.default, aten.split_with_sizes.default}
        assert not copies & set(targets(after))

    @pytest.mark.parametrize(
        "function",
        [
            lambda x: x.transpose(2, 3).softmax(2).transpose(2, 3),
            lambda x: x.transpose(2, 3).sigmoid().permute(0, 2, 3, 1),
            lambda x: x.transpose(1, 3).sigmoid().transpose(1, 3),
        ],
    )
    def test_other_turns_stay(self, function):
        assert left_alone(function, "turns-undone")


class TestGates:
    @pytest.mark.parametrize(
        "product",
        [
            lambda x, a, b: x * a * b,
            lambda x, a, b: b * (x * a),
            lambda x, a, b: (b * x) * a,
            lambda x, a, b: x * (a * b),
            lambda x, a, b: (b * a) * x,
            lambda x, a, b: (x * x) * (a * b),
        ],
    )
    def test_every_order(self, product):
        def gated(x):
            return product(x, x.mean(3, keepdim=True), x.amax(2, keepdim=True))

        assert not left_alone(gated, "gates-by-matmul")

    @pytest.mark.parametrize(
        "function",
        [
            lambda x: x * x.mean(3, keepdim=True) * x.amax(3, keepdim=True),
            lambda x: x * x.mean((2, 3), keepdim=True) * x.mean(2, keepdim=True),
            lambda x: x * x.mean((1, 3), keepdim=True) * x.mean(2, keepdim=True),
            lambda x: x * x.mean(3, keepdim=True) * 2,
            lambda x: x.mean(3, keepdim=True) * x.mean(2, keepdim=True),
            lambda x: (y := x * x.mean(3, keepdim=True)) * x.mean(2, keepdim=True) + y,
        ],
    )
    def test_other_products_stay(self, function):
        assert left_alone(function, "gates-by-matmul")


class TestProjection:
    @pytest.mark.parametrize("bias", [True, False])
    def test_the_bias_is_not_gated(self, bias):
        module = Projected(bias=bias)
        assert applied_to(module, "gate-behind-projection") == ("project",)

    def test_one_that_widens_stays(self):
        assert applied_to(Projected(4), "gate-behind-projection") == ()

    @pytest.mark.parametrize(
        ("gate", "conv"),
        [
            (lambda x: x.mean((2, 3), keepdim=True), nn.Conv2d(4, 2, 1)),
            (lambda x: x.mean(3, keepdim=True), nn.Conv2d(4, 2, 1)),
            (lambda x: x.mean(1, keepdim=True), nn.Conv2d(4, 2, 3)),
            (lambda x: x.mean(1, keepdim=True), nn.Conv2d(4, 2, 1, stride=2)),
            (lambda x: x.mean(1, keepdim=True), nn.Conv2d(4, 2, 1, groups=2)),
        ],
    )
    def test_other_gates_and_convolutions_stay(self, gate, conv):
        class Gated(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = conv

            def forward(self, x):
                return self.conv(x * gate(x))

        assert applied_to(Gated(), "gate-behind-projection") == ()

    def test_a_product_that_somebody_else_reads_stays(self):
        class Kept(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(4, 2, 1)

            def forward(self, x):
                gated = x * x.mean(1, keepdim=True)
                return self.conv(gated), gated

        assert applied_to(Kept(), "gate-behind-projection") == ()


class TestScaled:
    @pytest.mark.parametrize("bias", [True, False])
    def test_the_weights_are_gated_in_place_of_the_map(self, bias):
        assert applied_to(Scaled(bias=bias), "gate-into-projection") == ("project",)

    def test_a_small_map_stays(self):
        assert applied_to(Scaled(), "gate-into-projection", (2, 4, 2, 3)) == ()
        assert applied_to(Scaled(3), "gate-into-projection") == ()

    @pytest.mark.parametrize(
        "gate",
        [
            lambda x: x.mean(1, keepdim=True),
            lambda x: x.mean(3, keepdim=True),
            lambda x: x.mean((0, 2, 3), keepdim=True),
        ],
    )
    def test_other_gates_stay(self, gate):
        class Gated(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(4, 1, 1)

            def forward(self, x):
                return self.conv(x * gate(x))

        assert applied_to(Gated(), "gate-into-projection") == ()


class TestRows:
    @pytest.mark.parametrize(
        "conv",
        [
            nn.Conv2d(4, 1, 7, padding=3),
            nn.Conv2d(4, 1, 7, padding=3, bias=False),
            nn.Conv2d(4, 1, (3, 5), padding=(0, 2)),
            nn.Conv2d(4, 1, (4, 6), padding=(3, 1)),
        ],
    )
    def test_a_gate_of_pixels_is_convolved_along_rows_first(self, conv):
        assert applied_to(conv, "rows-then-columns") == ("",)

    @pytest.mark.parametrize(
        "conv",
        [
            nn.Conv2d(4, 2, 5),
            nn.Conv2d(4, 1, (1, 5)),
            nn.Conv2d(4, 1, (5, 1)),
            nn.Conv2d(4, 1, 9, padding=4),
            nn.Conv2d(4, 1, 5, stride=(1, 2)),
            nn.Conv2d(4, 1, 3, dilation=2),
            nn.Conv2d(4, 4, 5, groups=4),
            nn.Sequential(nn.Conv2d(4, 2, 1), nn.Conv2d(2, 1, 3)),  # nothing to gain
        ],
    )
    def test_others_stay(self, conv):
        assert applied_to(conv, "rows-then-columns") == ()


class TestReductions:
    @pytest.mark.parametrize(
        ("name", "function"),
        [
            ("column-mean-to-convolution", lambda x: x.mean(3, keepdim=True)),
            ("column-mean-to-convolution", lambda x: x.mean((2, 3), keepdim=True)),
            ("column-mean-to-convolution", lambda x: x.mean(2)),
            ("channel-mean-to-convolution", lambda x: x.mean(1)),
            ("channel-mean-to-convolution", lambda x: x.mean((1, 2), keepdim=True)),
            ("channel-max-in-steps", lambda x: x.amax(2, keepdim=True)),
            ("channel-max-in-steps", lambda x: x[:, :3].amax(1, keepdim=True)),
            ("map-max-to-pool", lambda x: x.amax((2, 3))),
            ("map-max-to-pool", lambda x: x[:, :, :1, :1].amax((2, 3), keepdim=True)),
            ("map-max-to-pool", lambda x: x[:, :, :1].amax(2, keepdim=True)),
            ("map-max-to-pool", lambda x: x.amax((1, 2), keepdim=True)),
            ("channels-to-pools", lambda x: x.amax((1, 2), keepdim=True)),
            ("channels-to-pools", lambda x: x.mean(1)),
            ("strip-mean-of-rows", lambda x: x.mean(2, keepdim=True)),  # of two images
            ("strip-mean-of-rows", lambda x: x[:1].mean((2, 3), keepdim=True)),
        ],
    )
    def test_other_axes_stay(self, name, function):
        assert left_alone(function, name)

    @pytest.mark.parametrize("axes", [2, 3, (2, 3), (-1, -2)])
    def test_rows_columns_or_both_are_pooled(self, axes):
        assert not left_alone(lambda x: x.amax(axes, keepdim=True), "map-max-to-pool")

    def test_channels_are_turned_once_for_both(self):
        module = Calling(lambda x: x.amax(1, keepdim=True) - x.mean(1, keepdim=True))
        after, _ = rewrite(program(module), example(), [CHANNELS_TO_POOLS])
        assert targets(after).count(aten.permute.default) == 3


class TestJoined:
    @pytest.mark.parametrize("axis", [0, 1, 2, 3, -2])
    def test_along_the_axis_that_it_was_before(self, axis):
        def both(x):
            parts = [one.permute(0, 2, -1, 1) for one in (x, x[:1].relu() + x)]
            return torch.cat(parts, axis)

        assert not left_alone(both, "joined-before-turned")

    @pytest.mark.parametrize(
        "parts",
        [
            lambda x: [x.permute(0, 2, 3, 1), x.mT.permute(0, 3, 2, 1)],
            lambda x: [x.permute(0, 2, 3, 1), x.reshape(2, 6, 5, 4)],
            lambda x: [x, x.relu()],
        ],
    )
    def test_others_stay(self, parts):
        assert left_alone(lambda x: torch.cat(parts(x)), "joined-before-turned")


class TestShared:
    @pytest.mark.parametrize("bias", [True, False])
    def test_a_bias_counts_twice(self, bias):
        layer = nn.Conv2d(4, 3, 1, bias=bias)

        class Twice(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = layer

            def forward(self, x):
                return self.layer(x.relu()) + self.layer(x.sigmoid())

        assert applied_to(Twice(), "shared-layer-once") == ("",)

    def test_other_sizes_and_layers_stay(self):
        class Broadcast(nn.Module):
            def __init__(self):
                super().__init__()
                self.one, self.other = nn.Conv2d(4, 3, 1), nn.Conv2d(4, 3, 1)

            def forward(self, x):
                wide = self.one(x) + self.one(x.mean((2, 3), keepdim=True))
                return wide + self.other(x) * 2

        assert applied_to(Broadcast(), "shared-layer-once") == ()
