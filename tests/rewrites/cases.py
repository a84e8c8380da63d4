"""For each rewrite a small module with its pattern, where it is, and what must be gone after."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from attnbench.pipeline.reference import trace
from attnbench.rewrites import REWRITES, Rewrite

aten = torch.ops.aten
IMAGE = (2, 4, 6, 5)


@dataclass(frozen=True)
class Case:
    module: nn.Module
    paths: tuple[str, ...]
    gone: tuple[object, ...]
    shape: tuple[int, ...] = IMAGE


def named(name: str) -> Rewrite:
    return next(one for one in REWRITES if one.name == name)


def example(shape: tuple[int, ...] = IMAGE) -> tuple[Tensor]:
    return (torch.randn(shape, generator=torch.Generator().manual_seed(1)),)


def program(module: nn.Module, shape: tuple[int, ...] = IMAGE) -> GraphModule:
    return trace(module.eval(), example(shape)).module(check_guards=False)


def targets(graph: GraphModule) -> list[object]:
    return [node.target for node in graph.graph.nodes if node.op == "call_function"]


class Inside(nn.Module):
    """x -> inner(x), so that the pattern is at the path `inner`."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 4, 1)
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.first(x)) * 2


class Calling(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class WeightShare(nn.Module):
    """What NAM does to the scale of its BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, -2.0, 3.0, 4.0]))

    def forward(self, x: Tensor) -> Tensor:
        return x * (self.weight.abs() / self.weight.abs().sum()).view(1, -1, 1, 1)


class OneMinus(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return 1 - self.conv(x)


class Strips(nn.Module):
    """Coordinate attention as its authors wrote it, in small."""

    def __init__(self) -> None:
        super().__init__()
        self.mix, self.norm = nn.Conv2d(4, 3, 1), nn.BatchNorm2d(3)
        self.down, self.across = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        rows, columns = x.mean(3, keepdim=True), x.mean(2, keepdim=True).permute(0, 1, 3, 2)
        mixed = self.norm(self.mix(torch.cat([rows, columns], dim=2)))
        mixed = mixed * (nn.functional.relu6(mixed + 3) / 6)
        down, across = torch.split(mixed, [height, width], dim=2)
        across = self.across(across.permute(0, 1, 3, 2)).sigmoid()
        return x * across * self.down(down).sigmoid()


class Lines(nn.Module):
    """Convolutions along the channels of one pixel, and along the rows of a map."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.tensor([[[1.0, -2.0, 3.0]]]))
        self.pairs = nn.Parameter(torch.randn(6, 2, 2, generator=torch.Generator().manual_seed(4)))

    def forward(self, x: Tensor) -> Tensor:
        convolve = nn.functional.conv1d
        gate = convolve(x.mean((2, 3)).unsqueeze(1), self.kernel, padding=1).transpose(1, 2)
        bias = self.pairs.sum((1, 2))
        lines = convolve(x.mean(3), self.pairs, bias, stride=2, padding=1, dilation=2, groups=2)
        return x * gate.unsqueeze(3) + lines.mean()


class Turned(nn.Module):
    """A convolution of single pixels on columns that were laid down."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        laid = x.mean(2, keepdim=True).transpose(2, 3)
        return nn.functional.hardswish(self.mix(laid)).permute(0, 1, 3, 2)


class Swished(nn.Module):
    """A hard-swish of a strip, before a convolution."""

    def __init__(self, axis: int = 2) -> None:
        super().__init__()
        self.axis, self.mix = axis, nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(nn.functional.hardswish(x.sum(self.axis, keepdim=True), inplace=True))


class Shared(nn.Module):
    """One layer of two vectors, added."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        first, second = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
        return self.layer(first.relu()) + self.layer(second.relu())


class Projected(nn.Module):
    """A gate of single pixels before a linear projection."""

    def __init__(self, outputs: int = 2, *, bias: bool = True) -> None:
        super().__init__()
        self.project = nn.Conv2d(4, outputs, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.project(x * x.mean(1, keepdim=True).sigmoid())


class Scaled(nn.Module):
    """A gate of channels before a linear projection."""

    def __init__(self, outputs: int = 1, *, bias: bool = True) -> None:
        super().__init__()
        self.project = nn.Conv2d(4, outputs, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.project(x.mean((2, 3), keepdim=True).sigmoid() * x)


def seen(norm: nn.Module) -> nn.Module:
    """A BatchNorm with statistics and weights that leave nothing as it is."""
    random = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for tensor in (norm.running_mean, norm.weight, norm.bias):
            tensor.copy_(torch.randn(tensor.shape, generator=random))
        norm.running_var.uniform_(0.5, 2, generator=random)
    return norm


def seen_layer() -> nn.Module:
    """A LayerNorm whose weights leave nothing as it is."""
    norm = nn.LayerNorm(5)
    with torch.no_grad():
        for tensor in (norm.weight, norm.bias):
            tensor.normal_(generator=torch.Generator().manual_seed(3))
    return norm


def conv_norm() -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, 4, 3, bias=False), seen(nn.BatchNorm2d(4)))


CASES = {
    "fold-constants": Case(
        Inside(WeightShare()), ("inner",), (aten.abs.default, aten.sum.default, aten.div.Tensor)
    ),
    "fold-batchnorm": Case(Inside(conv_norm()), ("inner.1",), (aten.batch_norm.default,)),
    "conv1d-to-conv2d": Case(Inside(Lines()), ("inner",), (aten.conv1d.default,)),
    "adaptive-avg-to-mean": Case(
        Inside(nn.AdaptiveAvgPool2d(1)), ("inner",), (aten.adaptive_avg_pool2d.default,)
    ),
    "adaptive-max-to-amax": Case(
        Inside(nn.AdaptiveMaxPool2d((None, 1))), ("inner",), (aten.adaptive_max_pool2d.default,)
    ),
    "max-dim-to-amax": Case(
        Inside(Calling(lambda x: torch.max(x, 1)[0])), ("inner",), (aten.max.dim,)
    ),
    "mean-keeps-dim": Case(Inside(Calling(lambda x: x.mean((2, 3)))), ("inner",), ()),
    "axis-mean-to-avg-pool": Case(
        Inside(Calling(lambda x: x.mean(3, keepdim=True))), ("inner",), (aten.mean.dim,)
    ),
    "channel-mean-to-convolution": Case(
        Inside(Calling(lambda x: x.mean(1, keepdim=True))), ("inner",), (aten.mean.dim,)
    ),
    "channel-max-in-steps": Case(
        Inside(Calling(lambda x: x.amax(1, keepdim=True))), ("inner",), ()
    ),
    "channels-to-pools": Case(
        Inside(Calling(lambda x: x.amax(1, keepdim=True) * x.mean(1, keepdim=True))),
        ("inner",),
        (aten.amax.default, aten.mean.dim),
    ),
    "joined-before-turned": Case(
        Inside(
            Calling(
                lambda x: torch.cat([x.permute(0, 2, 3, 1), x.relu().permute(0, 2, 3, 1)], -1)[
                    ..., :5
                ]
            )
        ),
        ("inner",),
        (),
    ),
    "map-max-to-pool": Case(
        Inside(Calling(lambda x: x.amax((-1, 2), keepdim=True))), ("inner",), (aten.amax.default,)
    ),
    "strip-mean-of-rows": Case(
        Inside(Calling(lambda x: x[:1].mean(2, keepdim=True) * x[:1].mean(3, keepdim=True))),
        ("inner",),
        (),
    ),
    "strip-means-to-convolutions": Case(
        Inside(Calling(lambda x: x.mean(2, keepdim=True) * x.mean(3, keepdim=True))),
        ("inner",),
        (aten.mean.dim,),
    ),
    "column-mean-to-convolution": Case(
        Inside(Calling(lambda x: x.mean(2, keepdim=True))), ("inner",), (aten.mean.dim,)
    ),
    "strips-apart": Case(
        Inside(Strips()), ("inner",), (aten.cat.default, aten.split_with_sizes.default)
    ),
    "turns-undone": Case(Inside(Turned()), ("inner",), (aten.transpose.int, aten.permute.default)),
    "shared-layer-once": Case(Inside(Shared()), ("inner",), ()),
    "gates-by-matmul": Case(
        Inside(Calling(lambda x: x * x.mean(3, keepdim=True) * x.mean(2, keepdim=True))),
        ("inner",),
        (),
    ),
    "gate-behind-projection": Case(Inside(Projected()), ("inner.project",), ()),
    "gate-into-projection": Case(Inside(Scaled()), ("inner.project",), ()),
    "split-to-slices": Case(
        Inside(Calling(lambda x: torch.cat(x.split([2, 4], dim=2)[::-1], 2))),
        ("inner",),
        (aten.split_with_sizes.default, aten.split.Tensor),
    ),
    "unbind-to-slices": Case(
        Inside(Calling(lambda x: torch.cat(x.unbind(-1)[::-1], 1).unsqueeze(2))),
        ("inner",),
        (aten.unbind.int,),
    ),
    "squeeze-to-reshape": Case(
        Inside(Calling(lambda x: x.mean(3, keepdim=True).squeeze(3).unsqueeze(2))),
        ("inner",),
        (aten.squeeze.dim,),
    ),
    "hard-swish-into-products": Case(
        Inside(Swished()),
        ("inner", "inner.mix"),
        (aten.hardswish.default, aten.hardswish_.default),
    ),
    "rows-then-columns": Case(
        Inside(
            nn.Sequential(
                nn.Conv2d(4, 2, 1),
                nn.Conv2d(2, 1, 7, padding=3),
            )
        ),
        ("inner.1",),
        (),
    ),
    "softmax-over-last": Case(Inside(nn.Softmax(1)), ("inner",), ()),
    "layer-norm-apart": Case(Inside(seen_layer()), ("inner",), (aten.layer_norm.default,)),
    "whole-number-to-float": Case(Calling(lambda x: (x + 3) / 6.0), ("",), ()),
    "drop-expand": Case(
        Inside(Calling(lambda x: x.mean((2, 3), keepdim=True).expand_as(x) * x)),
        ("inner",),
        (aten.expand.default, aten.expand_as.default),
    ),
    "column-product-to-sum": Case(
        Inside(
            Calling(lambda x: torch.bmm(x.flatten(2), x.mean(1).flatten(1).unsqueeze(2)).squeeze(2))
        ),
        ("inner",),
        (aten.bmm.default,),
    ),
    "sub-from-constant": Case(
        Inside(OneMinus()), ("inner",), (aten.rsub.Scalar, aten.sub.Tensor, aten.sub.Scalar)
    ),
    "max-pool-pads-zero": Case(
        Inside(nn.Sequential(nn.ReLU(), nn.MaxPool2d(3, 2, padding=1))), ("inner.1",), ()
    ),
    "avg-pool-pads-zero": Case(Inside(nn.AvgPool2d(3, 1, padding=1)), ("inner",), ()),
    "pool-rounds-nothing": Case(
        Inside(nn.AvgPool2d((2, 3), (2, 1), ceil_mode=True)), ("inner",), ()
    ),
    "hard-sigmoid-to-clamp": Case(
        Inside(nn.Hardsigmoid()), ("inner",), (aten.hardsigmoid.default,)
    ),
    "matmul-to-bmm": Case(
        Inside(Calling(lambda x: x @ x.transpose(2, 3))), ("inner",), (aten.matmul.default,)
    ),
}
