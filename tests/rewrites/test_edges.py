"""Where a rewrite has to hold back, or to be careful."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from attnbench.pipeline.reference import trace
from attnbench.rewrites import REWRITES, rewrite
from attnbench.rewrites.base import difference
from tests.rewrites.cases import (
    IMAGE,
    Calling,
    Swished,
    aten,
    conv_norm,
    example,
    named,
    program,
    seen,
    targets,
)


def applied_to(module: nn.Module, name: str, shape: tuple[int, ...] = IMAGE) -> tuple[str, ...]:
    """Apply one rewrite, in float32 as exports do and in float64; return where it fired."""
    single = program(module, shape)
    _, applied = rewrite(single, example(shape), [named(name)])
    double = copy.deepcopy(single).double()
    x = [tensor.double() for tensor in example(shape)]
    after, again = rewrite(double, x, [named(name)])
    assert applied == again
    assert difference(double, after, x) < 1e-14
    return applied[0].paths if applied else ()


def left_alone(function, name: str, shape: tuple[int, ...] = IMAGE) -> bool:
    return applied_to(Calling(function), name, shape) == ()


class TestMaximum:
    @pytest.mark.parametrize(
        "pool",
        [
            nn.MaxPool2d(3, 2, padding=1),
            nn.MaxPool2d((3, 2), padding=(0, 1)),
            nn.MaxPool2d((2, 3), (1, 2), padding=(1, 0), dilation=2),
        ],
    )
    @pytest.mark.parametrize("first", [nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6()])
    def test_zeros_stand_around_what_is_never_negative(self, first, pool):
        model = nn.Sequential(nn.BatchNorm2d(4), first, pool)
        assert applied_to(model, "max-pool-pads-zero") == ("2",)

    @pytest.mark.parametrize(
        "model",
        [
            nn.MaxPool2d(3, 2, padding=1),
            nn.Sequential(nn.ReLU(), nn.MaxPool2d(3, 2)),
            nn.Sequential(nn.ReLU(), nn.MaxPool2d(3, 2, padding=1, ceil_mode=True)),
            nn.Sequential(nn.Hardswish(), nn.MaxPool2d(3, 2, padding=1)),
        ],
    )
    def test_other_pools_stay(self, model):
        assert left_alone(model, "max-pool-pads-zero")

    @pytest.mark.parametrize(
        "pool",
        [
            nn.AvgPool2d(3, 1, padding=1),
            nn.AvgPool2d((3, 2), padding=(0, 1)),
            nn.AvgPool2d((2, 3), (1, 2), padding=(1, 0)),
        ],
    )
    def test_zeros_stand_around_a_mean_that_counts_them(self, pool):
        assert applied_to(pool, "avg-pool-pads-zero") == ("",)

    @pytest.mark.parametrize(
        "pool",
        [
            nn.AvgPool2d(3, 2),
            nn.AvgPool2d(3, 2, padding=1, ceil_mode=True),
            nn.AvgPool2d(3, 2, padding=1, count_include_pad=False),
            nn.AvgPool2d(3, 2, padding=1, divisor_override=5),
        ],
    )
    def test_other_means_stay(self, pool):
        assert left_alone(pool, "avg-pool-pads-zero")

    @pytest.mark.parametrize(
        ("pool", "fires"),
        [
            (nn.AvgPool2d((2, 3), (2, 1), ceil_mode=True), True),
            (nn.AvgPool2d((2, 1), ceil_mode=True, count_include_pad=False), True),
            (nn.AvgPool2d((4, 3), 2, padding=1, ceil_mode=True), True),
            (nn.AvgPool2d(2, ceil_mode=True), False),  # of five columns
            (nn.AvgPool2d((2, 1)), False),
        ],
    )
    def test_a_size_that_is_not_rounded_is_not_rounded_up(self, pool, fires):
        assert bool(applied_to(pool, "pool-rounds-nothing")) == fires

    def test_used_indices_stay(self):
        def both(x):
            values, places = torch.max(x, 1)
            return values + places

        assert left_alone(both, "max-dim-to-amax")

    def test_used_indices_of_a_pool_stay(self):
        def both(x):
            values, places = nn.functional.adaptive_max_pool2d(x, 1, return_indices=True)
            return values + places

        assert left_alone(both, "adaptive-max-to-amax")

    @pytest.mark.parametrize("keepdim", [True, False])
    @pytest.mark.parametrize("axis", [1, -1])
    def test_axis_and_keepdim_are_kept(self, axis, keepdim):
        module = Calling(lambda x: torch.max(x, dim=axis, keepdim=keepdim).values)
        after, applied = rewrite(program(module), example(), [named("max-dim-to-amax")])
        assert applied
        assert torch.equal(after(*example()), module(*example()))

    def test_the_maximum_of_everything_is_another_operator(self):
        assert left_alone(lambda x: x.max() * x, "max-dim-to-amax")


class TestPools:
    @pytest.mark.parametrize("name", ["adaptive-avg-to-mean", "adaptive-max-to-amax"])
    @pytest.mark.parametrize(
        ("target", "fires"), [(1, True), ((None, 1), True), ((1, None), True), (2, False)]
    )
    def test_only_what_reduces_an_axis_to_one(self, name, target, fires):
        pool = nn.AdaptiveAvgPool2d if "avg" in name else nn.AdaptiveMaxPool2d
        assert bool(applied_to(pool(target), name)) == fires

    @pytest.mark.parametrize("name", ["adaptive-avg-to-mean", "adaptive-max-to-amax"])
    @pytest.mark.parametrize("size", [(1, 1), (1, 5), (6, 1)])
    def test_a_map_of_one_pixel_is_pooled_as_any_other(self, name, size):
        """The last stage of a small input: a pool left there would be refused all the same."""
        pool = nn.AdaptiveAvgPool2d if "avg" in name else nn.AdaptiveMaxPool2d
        module = nn.Sequential(nn.Conv2d(4, 4, 1), pool(1))
        assert applied_to(module, name, (2, 4, *size)) == ("1",)

    @pytest.mark.parametrize("name", ["adaptive-avg-to-mean", "adaptive-max-to-amax"])
    def test_an_input_without_batch_stays(self, name):
        pool = nn.AdaptiveAvgPool2d if "avg" in name else nn.AdaptiveMaxPool2d
        assert applied_to(pool(1), name, (4, 6, 5)) == ()


class TestMean:
    @pytest.mark.parametrize("name", ["mean-keeps-dim", "axis-mean-to-avg-pool"])
    @pytest.mark.parametrize("axes", [(0,), (0, 2, 3), (1,), (1, 2), (0, 1, 2, 3)])
    def test_over_batch_or_channels_stays(self, name, axes):
        assert left_alone(lambda x: x.mean(axes), name)
        assert left_alone(lambda x: x.mean(axes, keepdim=True), name)

    def test_negative_axes_count_from_the_end(self):
        assert not left_alone(lambda x: x.mean((-1, -2)), "mean-keeps-dim")
        assert not left_alone(lambda x: x.mean(-1, keepdim=True), "axis-mean-to-avg-pool")

    @pytest.mark.parametrize("name", ["mean-keeps-dim", "axis-mean-to-avg-pool"])
    def test_of_something_that_is_no_map_stays(self, name):
        assert left_alone(lambda x: x.mean((1, 2)), name, (2, 6, 5))
        assert left_alone(lambda x: x.mean(2, keepdim=True), name, (2, 6, 5))

    @pytest.mark.parametrize("name", ["mean-keeps-dim", "axis-mean-to-avg-pool"])
    def test_in_another_precision_stays(self, name):
        keep = name.startswith("axis")
        axes = 3 if keep else (2, 3)
        module = Calling(lambda x: x.mean(axes, keepdim=keep, dtype=torch.float64))
        _, applied = rewrite(program(module), example(), [named(name)])
        assert applied == ()

    def test_both_axes_are_no_axis_mean(self):
        assert left_alone(lambda x: x.mean((2, 3), keepdim=True), "axis-mean-to-avg-pool")


class TestExpand:
    def test_to_a_shape_that_the_product_would_not_have_stays(self):
        def alone(x):
            return x.mean((2, 3), keepdim=True).expand(2, 4, 6, 5) * 2

        def squared(x):
            wide = x.mean((2, 3), keepdim=True).expand_as(x)
            return wide * wide

        assert left_alone(alone, "drop-expand")
        assert left_alone(squared, "drop-expand")

    def test_with_a_second_reader_that_needs_it_stays(self):
        def twice(x):
            wide = x.mean((2, 3), keepdim=True).expand_as(x)
            return torch.cat([wide * x, wide])

        assert left_alone(twice, "drop-expand")

    def test_that_is_returned_stays(self):
        assert left_alone(lambda x: x.mean((2, 3), keepdim=True).expand_as(x), "drop-expand")

    def test_of_both_sides_stays_or_is_exact(self):
        def outer(x):
            rows = x.mean(3, keepdim=True).expand_as(x)
            return rows * x.mean(2, keepdim=True).expand_as(x)

        applied_to(Calling(outer), "drop-expand")  # asserts equality


class TestSubtraction:
    def test_with_a_factor_stays(self):
        assert left_alone(lambda x: torch.rsub(x, 1, alpha=2), "sub-from-constant")
        assert left_alone(lambda x: torch.sub(torch.ones(4, 1, 1), x, alpha=3), "sub-from-constant")

    def test_of_a_constant_stays(self):
        assert left_alone(lambda x: x - 1, "sub-from-constant")

    def test_of_two_maps_stays(self):
        assert left_alone(lambda x: x.relu() - x, "sub-from-constant")

    def test_from_a_weight_is_rewritten(self):
        class FromWeight(nn.Module):
            def __init__(self):
                super().__init__()
                self.top = nn.Parameter(torch.arange(4.0).view(1, 4, 1, 1))

            def forward(self, x):
                return self.top - x

        after, applied = rewrite(program(FromWeight()), example(), [named("sub-from-constant")])
        assert applied
        assert aten.sub.Tensor not in targets(after)


class TestSplit:
    @pytest.mark.parametrize(
        "function",
        [
            lambda x: torch.cat(x.split(4, dim=2)[::-1], 2),
            lambda x: torch.cat(x.chunk(2, dim=1)[::-1], 1),
            lambda x: torch.cat(x.split(1)[::-1]),
            lambda x: torch.cat(x.split([1, 4], dim=-1)[::-1], -1),
            lambda x: x.split([1, 5], dim=2)[1],
        ],
    )
    def test_every_way_to_write_it(self, function):
        assert not left_alone(function, "split-to-slices")


class TestParts:
    @pytest.mark.parametrize(
        "function",
        [
            lambda x: torch.cat(x.unbind(2)[::-1], 1),
            lambda x: x.unbind()[1],
            lambda x: x.unbind(dim=-1)[4],
        ],
    )
    def test_every_way_to_unbind(self, function):
        assert not left_alone(function, "unbind-to-slices")

    @pytest.mark.parametrize("axes", [(), (1,), ((1, 2),)])
    def test_every_way_to_squeeze(self, axes):
        module = Calling(lambda x: x.mean((1, 2), keepdim=True).squeeze(*axes))
        assert applied_to(module, "squeeze-to-reshape") == ("",)

    @pytest.mark.parametrize(
        ("function", "fires"),
        [
            (lambda x: 1 - x, True),
            (lambda x: 2 * x, True),
            (lambda x: x / 3 - 1, True),
            (lambda x: 1.0 - x * 0.5, False),
            (lambda x: (x > 0).int() * 2 + 1, False),  # whole numbers with each other
        ],
    )
    def test_whole_numbers_among_floats_are_made_floats(self, function, fires):
        assert bool(applied_to(Calling(function), "whole-number-to-float")) == fires


class TestNorms:
    @pytest.mark.parametrize("axis", [2, 3])
    def test_hard_swish_of_a_strip_is_taken_apart(self, axis):
        assert applied_to(Swished(axis), "hard-swish-into-products") == ("", "mix")

    @pytest.mark.parametrize(
        "module",
        [
            nn.Sequential(nn.Hardswish(), nn.Conv2d(4, 3, 1)),  # of a map
            Calling(lambda x: nn.functional.hardswish(x.sum(2, keepdim=True)) * x),
        ],
    )
    def test_other_hard_swishes_stay(self, module):
        assert applied_to(module, "hard-swish-into-products") == ()

    @pytest.mark.parametrize("axis", [0, 1, 2, -2])
    def test_softmax_is_over_the_last_axis(self, axis):
        assert applied_to(nn.Softmax(axis), "softmax-over-last") == ("",)

    @pytest.mark.parametrize("axis", [3, -1])
    def test_that_over_the_last_axis_stays(self, axis):
        assert applied_to(nn.Softmax(axis), "softmax-over-last") == ()

    @pytest.mark.parametrize(
        "norm",
        [
            nn.LayerNorm(5),
            nn.LayerNorm(5, elementwise_affine=False),
            nn.LayerNorm(5, eps=0.1, bias=False),
        ],
    )
    def test_a_layer_norm_is_taken_apart(self, norm):
        assert applied_to(norm, "layer-norm-apart") == ("",)

    def test_one_over_several_axes_stays(self):
        assert applied_to(nn.LayerNorm((6, 5)), "layer-norm-apart") == ()


class TestBatchNorm:
    def test_in_training_stays(self):
        module = conv_norm().train()
        graph = trace(module, example()).module(check_guards=False)
        _, applied = rewrite(graph, example(), [named("fold-batchnorm")])
        assert applied == ()

    def test_without_statistics_stays(self):
        norm = nn.BatchNorm2d(4, track_running_stats=False)
        assert applied_to(nn.Sequential(nn.Conv2d(4, 4, 1), norm), "fold-batchnorm") == ()

    def test_without_affine_is_folded(self):
        norm = nn.BatchNorm2d(4, affine=False)
        norm.running_mean.fill_(0.3)
        norm.running_var.fill_(3)
        assert applied_to(nn.Sequential(nn.Conv2d(4, 4, 1), norm), "fold-batchnorm") == ("1",)

    def test_alone_becomes_a_product_and_a_sum_to_the_last_bit(self):
        module = nn.Sequential(seen(nn.BatchNorm2d(4)), nn.ReLU())
        assert applied_to(module, "fold-batchnorm") == ("0",)
        after, _ = rewrite(program(module), example(), [named("fold-batchnorm")])
        assert targets(after)[:2] == [aten.mul.Tensor, aten.add.Tensor]

    def test_a_convolution_that_somebody_else_reads_keeps_its_weights(self):
        class Two(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.norm = nn.Conv2d(4, 4, 1), seen(nn.BatchNorm2d(4))

            def forward(self, x):
                y = self.conv(x)
                return self.norm(y) + y

        assert applied_to(Two(), "fold-batchnorm") == ("norm",)

    def test_a_convolution_used_twice_is_folded_twice(self):
        class Shared(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(4, 4, 1)
                self.one, self.two = seen(nn.BatchNorm2d(4)), nn.BatchNorm2d(4)

            def forward(self, x):
                return self.two(self.conv(self.one(self.conv(x))))

        assert applied_to(Shared(), "fold-batchnorm") == ("one", "two")

    def test_one_norm_after_two_convolutions_is_folded_into_both(self):
        class Shared(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.b = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)
                self.norm = seen(nn.BatchNorm2d(4))

            def forward(self, x):
                return self.norm(self.a(x)) * self.norm(self.b(x))

        assert applied_to(Shared(), "fold-batchnorm") == ("norm",)
        after, _ = rewrite(program(Shared()), example(), [named("fold-batchnorm")])
        assert aten.batch_norm.default not in targets(after)

    def test_one_dimension(self):
        module = nn.Sequential(nn.Conv1d(4, 6, 3, groups=2), seen(nn.BatchNorm1d(6)))
        assert applied_to(module, "fold-batchnorm", (2, 4, 9)) == ("1",)

    def test_after_a_linear_layer(self):
        module = nn.Sequential(nn.Linear(7, 4), seen(nn.BatchNorm1d(4)))
        assert applied_to(module, "fold-batchnorm", (3, 7)) == ("1",)

    def test_after_a_transposed_convolution(self):
        module = nn.Sequential(nn.ConvTranspose2d(4, 4, 2), seen(nn.BatchNorm2d(4)))
        assert applied_to(module, "fold-batchnorm") == ("1",)

    def test_a_factor_that_is_no_channels_is_not_folded_in(self):
        class Scaled(nn.Module):
            def __init__(self):
                super().__init__()
                self.norm = seen(nn.BatchNorm2d(4))
                self.by = nn.Parameter(torch.randn(1, 1, 6, 5))

            def forward(self, x):
                return self.norm(x) * self.by

        assert applied_to(Scaled(), "fold-batchnorm") == ("norm",)


class TestConstants:
    def test_of_random_numbers_stay(self):
        """Not what weights alone decide: it differs at every inference."""

        class Noisy(nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = nn.Parameter(torch.ones(4, 1, 1))

            def forward(self, x):
                return x * torch.bernoulli(self.weight)

        _, applied = rewrite(program(Noisy()), example(), [named("fold-constants")])
        assert applied == ()

    def test_chains_are_folded_to_one(self):
        class Chain(nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = nn.Parameter(torch.randn(4))

            def forward(self, x):
                return x + self.weight.exp().cumsum(0).view(-1, 1, 1).tanh()

        after, _ = rewrite(program(Chain()), example(), [named("fold-constants")])
        assert targets(after) == [aten.add.Tensor]


def test_order_lets_one_rewrite_build_on_another():
    """A pool to one column becomes a mean over an axis, and that a pool which XNNPACK takes."""
    chosen = [one for one in REWRITES if "executorch" in one.backends]
    after, applied = rewrite(program(nn.AdaptiveAvgPool2d((None, 1))), example(), chosen)
    assert [one.name for one in applied] == ["adaptive-avg-to-mean", "axis-mean-to-avg-pool"]
    assert targets(after) == [aten.avg_pool2d.default]
