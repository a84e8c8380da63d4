"""ShuffleNetV2, with a place for attention at the end of its working branch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor, nn

from attnbench_models.backbones.base import Chain
from attnbench_models.backbones.heads import Classifier
from attnbench_models.backbones.layers import conv_norm, initialise
from attnbench_models.errors import ModelError
from attnbench_models.layout import Layout
from attnbench_models.places import Attention, Home, Place, depthwise_halves, empty

STEM = 24
REPEATS = (4, 8, 4)
# by width, the channels of the three stages and of the last 1x1 convolution: Table 5 of the paper
CHANNELS: Mapping[float, tuple[int, int, int, int]] = MappingProxyType(
    {
        0.5: (48, 96, 192, 1024),
        1.0: (116, 232, 464, 1024),
        1.5: (176, 352, 704, 1024),
        2.0: (244, 488, 976, 2048),
    }
)


class ShuffleUnit(nn.Module):
    """
    Work on one half of the channels, keep the other, and shuffle the two.

    Shape   x (N, inputs, H, W) -> (N, outputs, H / stride, W / stride), rounded up.
    Math    y = shuffle(a, attention(branch(b))) with a, b the halves of x at stride 1, and
            a = shortcut(x), b = x at stride 2. shuffle(a, b) takes channels of a and b in turns.
    Source  Ma et al., ECCV 2018, arXiv:1807.11164, Figure 3c and 3d; attention at the end of the
            branch, as the authors' later ShuffleNetV2+ has it.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        stride: int,
        stage: int = 0,
        attention: Attention = empty,
    ) -> None:
        super().__init__()
        half = outputs // 2
        self.shortcut = (
            nn.Sequential(
                conv_norm(inputs, inputs, 3, stride=stride, groups=inputs, activation=None),
                conv_norm(inputs, half, 1, activation=nn.ReLU),
            )
            if stride > 1
            else None
        )
        self.branch = nn.Sequential(
            conv_norm(inputs if stride > 1 else half, half, 1, activation=nn.ReLU),
            conv_norm(half, half, 3, stride=stride, groups=half, activation=None),
            conv_norm(half, half, 1, activation=nn.ReLU),
        )
        self.attention = attention(Place("branch", half, inputs, stage))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        a, b = x.chunk(2, dim=1) if self.shortcut is None else (self.shortcut(x), x)
        b = self.branch(b)
        if self.attention is not None:
            b = self.attention(b)
        return torch.stack([a, b], dim=2).flatten(1, 2)

    def renames(self) -> dict[str, str]:
        """Ours to torchvision's, whose branches are flat sequences of layers."""
        numbers = {"shortcut": (0, 2), "branch": (0, 3, 5)}
        theirs = {"shortcut": "branch1", "branch": "branch2"}
        return {
            f"{part}.{i}.{kind}": f"{theirs[part]}.{number + offset}"
            for part, starts in numbers.items()
            if getattr(self, part) is not None
            for i, number in enumerate(starts)
            for offset, kind in enumerate(("conv", "norm"))
        }


class ShuffleNetV2(Chain):
    """
    ShuffleNetV2 for any attention that maps (N, C, H, W) to itself.

    Shape   x (N, 3, H, W) -> logits (N, num_classes).
    Cost    1000 classes, by width: 0.5 1,366,792 parameters, 1.0 2,278,604, 1.5 3,503,624 and
            2.0 7,393,996. There are no other widths.
    Source  Ma et al., ECCV 2018, arXiv:1807.11164, Table 5; names as in torchvision. Attention on
            the half of the channels that a unit works on, in all 16 units.
    """

    PARTS = ("stem", "pool", "features", "mix", "head")

    HOMES: ClassVar[Mapping[str, Home]] = MappingProxyType(
        {
            "gate": Home("branch"),
            "residual": Home("branch"),
            "sk": Home("branch", depthwise_halves),
        }
    )

    def __init__(
        self, attention: Attention = empty, *, width: float = 1.0, num_classes: int = 1000
    ) -> None:
        super().__init__()
        if width not in CHANNELS:
            raise ModelError(
                f"ShuffleNetV2 has no width {width:g}",
                hint=f"the widths are {', '.join(f'{w:g}' for w in CHANNELS)}",
            )
        *stages, mixed = CHANNELS[width]
        self.stem = conv_norm(3, STEM, 3, stride=2, activation=nn.ReLU)
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        self.features = nn.Sequential(*_units(STEM, stages, attention))
        self.mix = conv_norm(stages[-1], mixed, 1, activation=nn.ReLU)
        self.head = Classifier(mixed, num_classes)
        self.apply(initialise)

    def layouts(self) -> tuple[Layout, ...]:
        """Of torchvision, whose models have no attention."""
        renames = {
            "stem.conv": "conv1.0",
            "stem.norm": "conv1.1",
            "mix.conv": "conv5.0",
            "mix.norm": "conv5.1",
            "head.linear": "fc",
        }
        names = [f"stage{s}.{i}" for s, repeats in enumerate(REPEATS, 2) for i in range(repeats)]
        units = (unit for unit in self.features if isinstance(unit, ShuffleUnit))
        for i, (name, unit) in enumerate(zip(names, units, strict=True)):
            renames |= {f"features.{i}.{o}": f"{name}.{t}" for o, t in unit.renames().items()}
        return (Layout("torchvision shufflenet_v2", renames),)


def _units(channels: int, stages: list[int], attention: Attention) -> Iterator[ShuffleUnit]:
    for stage, (outputs, repeats) in enumerate(zip(stages, REPEATS, strict=True)):
        for repeat in range(repeats):
            yield ShuffleUnit(
                channels,
                outputs,
                stride=2 if repeat == 0 else 1,
                stage=stage,
                attention=attention,
            )
            channels = outputs
