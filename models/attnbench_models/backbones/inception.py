"""Inception-v3, with a place for attention after each of its modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor, nn

from attnbench_models.backbones.base import Chain
from attnbench_models.backbones.heads import Classifier
from attnbench_models.backbones.layers import initialise
from attnbench_models.layout import Layout
from attnbench_models.places import Attention, Home, Place, empty

Conv = tuple[int, int, int]  # output channels, kernel height and width
Fork = tuple[Conv, Conv]  # two convolutions of the same input, concatenated
Branches = Mapping[str, Sequence[Conv | Fork]]

EARLY: Branches = {
    "1x1": [(64, 1, 1)],
    "5x5": [(48, 1, 1), (64, 5, 5)],
    "3x3dbl": [(64, 1, 1), (96, 3, 3), (96, 3, 3)],
}
SHRINK: Branches = {
    "3x3": [(384, 3, 3)],
    "3x3dbl": [(64, 1, 1), (96, 3, 3), (96, 3, 3)],
}
SHRINK_AGAIN: Branches = {
    "3x3": [(192, 1, 1), (320, 3, 3)],
    "7x7x3": [(192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3)],
}
LATE: Branches = {
    "1x1": [(320, 1, 1)],
    "3x3": [(384, 1, 1), ((384, 1, 3), (384, 3, 1))],
    "3x3dbl": [(448, 1, 1), (384, 3, 3), ((384, 1, 3), (384, 3, 1))],
}


def middle(width: int) -> Branches:
    """The modules with 7x7 kernels in two steps, `width` channels in between."""
    return {
        "1x1": [(192, 1, 1)],
        "7x7": [(width, 1, 1), (width, 1, 7), (192, 7, 1)],
        "7x7dbl": [(width, 1, 1), (width, 7, 1), (width, 1, 7), (width, 7, 1), (192, 1, 7)],
    }


# name, branches, channels of the pooled branch (None where the module shrinks), stage
MODULES: tuple[tuple[str, Branches, int | None, int], ...] = (
    ("5b", EARLY, 32, 0),
    ("5c", EARLY, 64, 0),
    ("5d", EARLY, 64, 0),
    ("6a", SHRINK, None, 1),
    ("6b", middle(128), 192, 1),
    ("6c", middle(160), 192, 1),
    ("6d", middle(160), 192, 1),
    ("6e", middle(192), 192, 1),
    ("7a", SHRINK_AGAIN, None, 2),
    ("7b", LATE, 192, 2),
    ("7c", LATE, 192, 2),
)


class ConvNorm(nn.Module):
    """A convolution without bias, BatchNorm and ReLU; `same` keeps height and width at stride 1."""

    def __init__(self, inputs: int, conv: Conv, *, stride: int = 1, same: bool = True) -> None:
        super().__init__()
        outputs, height, width = conv
        padding = (height // 2, width // 2) if same else (0, 0)
        self.conv = nn.Conv2d(inputs, outputs, (height, width), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H', W')."""
        y: Tensor = self.act(self.bn(self.conv(x)))
        return y


class Forked(nn.Module):
    """Two convolutions of the same input, concatenated."""

    def __init__(self, inputs: int, fork: Fork) -> None:
        super().__init__()
        self.a, self.b = (ConvNorm(inputs, conv) for conv in fork)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, the sum of both outputs, H, W)."""
        return torch.cat([self.a(x), self.b(x)], dim=1)


class Mixed(nn.Module):
    """
    One Inception module: branches and a pooled branch, concatenated, then gated.

    Shape   x (N, inputs, H, W) -> (N, outputs, H, W); without `pooled` (N, outputs, (H - 1) / 2,
            (W - 1) / 2), rounded down.
    Math    y = attention([branch(x) for each branch, pool(x)]). pool is a 3x3 mean, in which the
            zeros around the image count, and a 1x1 convolution to `pooled` channels; without it a
            3x3 maximum at stride 2, and the last convolution of every branch has that stride.
    Source  Szegedy et al., CVPR 2016, arXiv:1512.00567, Figures 5 to 7 and 10, with torchvision's
            widths; the attention takes the module for its transformation, as in Hu et al.,
            arXiv:1709.01507, Figure 2.
    """

    def __init__(
        self,
        inputs: int,
        branches: Branches,
        *,
        pooled: int | None,
        stage: int = 0,
        attention: Attention = empty,
    ) -> None:
        super().__init__()
        shrinks = pooled is None
        self.branches = nn.ModuleDict(
            {name: _branch(inputs, convs, shrinks=shrinks) for name, convs in branches.items()}
        )
        self.pool: nn.Module = nn.MaxPool2d(3, 2)
        if pooled is not None:
            mean = nn.AvgPool2d(3, 1, padding=1)
            self.pool = nn.Sequential(mean, ConvNorm(inputs, (pooled, 1, 1)))
        self.outputs = sum(_outputs(convs[-1]) for convs in branches.values())
        self.outputs += inputs if pooled is None else pooled
        self.attention = attention(Place("mixed", self.outputs, inputs, stage))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H', W')."""
        y = torch.cat([*(branch(x) for branch in self.branches.values()), self.pool(x)], dim=1)
        if self.attention is not None:
            y = self.attention(y)
        return y

    def renames(self) -> dict[str, str]:
        """Ours to torchvision's, which names every convolution of a module."""
        renames = {"pool.1": "branch_pool"}
        for name, branch in self.branches.items():
            numbers = [number for number, _ in branch.named_children()]
            for number in numbers:
                theirs = f"branch{name}" + (f"_{int(number) + 1}" if len(numbers) > 1 else "")
                for fork in ("", "a", "b"):
                    ours = f"branches.{name}.{number}" + (f".{fork}" if fork else "")
                    renames[ours] = theirs + fork
        return renames


def _branch(inputs: int, convs: Sequence[Conv | Fork], *, shrinks: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i, conv in enumerate(convs):
        last = shrinks and i == len(convs) - 1
        if len(conv) == 2:
            layers.append(Forked(inputs, conv))
        else:
            layers.append(ConvNorm(inputs, conv, stride=2 if last else 1, same=not last))
        inputs = _outputs(conv)
    return nn.Sequential(*layers)


def _outputs(conv: Conv | Fork) -> int:
    return conv[0][0] + conv[1][0] if len(conv) == 2 else conv[0]


class InceptionV3(Chain):
    """
    Inception-v3 for any attention that maps (N, C, H, W) to itself.

    Shape   x (N, 3, H, W) -> logits (N, num_classes); H and W at least 75.
    Cost    1000 classes: 23,834,568 parameters; with se 25,496,188.
    Source  Szegedy et al., CVPR 2016, arXiv:1512.00567, Table 1 and Figures 5 to 7 and 10, as in
            torchvision's inception_v3, whose public weights want inputs from -1 to 1. The
            auxiliary classifier is left out: it serves training alone. Attention follows each of
            the 11 modules, as Hu et al. have se in BN-Inception (arXiv:1709.01507, Figure 2); they
            publish no Inception-v3, and a popular port adds gates there that are never called.
    """

    HOMES: ClassVar[Mapping[str, Home]] = MappingProxyType(
        {"gate": Home("mixed"), "residual": Home("mixed")}
    )

    def __init__(self, attention: Attention = empty, *, num_classes: int = 1000) -> None:
        super().__init__()
        self.stem = _stem()
        self.features = nn.Sequential(OrderedDict(_modules(192, attention)))
        self.head = Classifier(2048, num_classes, dropout=0.5)
        self.apply(initialise)

    def layouts(self) -> tuple[Layout, ...]:
        """Of torchvision, whose models have no attention."""
        renames = {f"stem.{name}": f"Conv2d_{name}" for name, _ in self.stem.named_children()}
        renames["head.linear"] = "fc"
        for name, module in self.features.named_children():
            if isinstance(module, Mixed):
                renames |= {
                    f"features.{name}.{ours}": f"Mixed_{name}.{theirs}"
                    for ours, theirs in module.renames().items()
                }
        return (Layout("torchvision inception_v3", renames, unused=("AuxLogits",)),)


def _stem() -> nn.Sequential:
    layers: list[tuple[str, nn.Module]] = [
        ("1a_3x3", ConvNorm(3, (32, 3, 3), stride=2, same=False)),
        ("2a_3x3", ConvNorm(32, (32, 3, 3), same=False)),
        ("2b_3x3", ConvNorm(32, (64, 3, 3))),
        ("pool1", nn.MaxPool2d(3, 2)),
        ("3b_1x1", ConvNorm(64, (80, 1, 1))),
        ("4a_3x3", ConvNorm(80, (192, 3, 3), same=False)),
        ("pool2", nn.MaxPool2d(3, 2)),
    ]
    return nn.Sequential(OrderedDict(layers))


def _modules(channels: int, attention: Attention) -> Iterator[tuple[str, Mixed]]:
    for name, branches, pooled, stage in MODULES:
        module = Mixed(channels, branches, pooled=pooled, stage=stage, attention=attention)
        yield name, module
        channels = module.outputs
