"""MobileNetV3, small and large, with attention where it has squeeze-and-excitation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from torch import Tensor, nn

from attnbench_models.backbones.base import Chain
from attnbench_models.backbones.layers import conv_norm, initialise, rounded
from attnbench_models.backbones.mbconv import MBConv, Shape
from attnbench_models.layout import Layout, inside, layouts_of
from attnbench_models.places import Attention, Home, Place, depthwise_halves, empty
from attnbench_models.recipe import Option

# kernel, expansion, output channels, has attention, activation, stride: Tables 1 and 2
Unit = tuple[int, float, int, bool, type[nn.Module], int]
RE, HS = nn.ReLU, nn.Hardswish
LARGE: tuple[Unit, ...] = (
    (3, 1, 16, False, RE, 1),
    (3, 4, 24, False, RE, 2),
    (3, 3, 24, False, RE, 1),
    (5, 3, 40, True, RE, 2),
    (5, 3, 40, True, RE, 1),
    (5, 3, 40, True, RE, 1),
    (3, 6, 80, False, HS, 2),
    (3, 2.5, 80, False, HS, 1),
    (3, 2.3, 80, False, HS, 1),
    (3, 2.3, 80, False, HS, 1),
    (3, 6, 112, True, HS, 1),
    (3, 6, 112, True, HS, 1),
    (5, 6, 160, True, HS, 2),
    (5, 6, 160, True, HS, 1),
    (5, 6, 160, True, HS, 1),
)
SMALL: tuple[Unit, ...] = (
    (3, 1, 16, True, RE, 2),
    (3, 4.5, 24, False, RE, 2),
    (3, 3.67, 24, False, RE, 1),
    (5, 4, 40, True, HS, 2),
    (5, 6, 40, True, HS, 1),
    (5, 6, 40, True, HS, 1),
    (5, 3, 48, True, HS, 1),
    (5, 3, 48, True, HS, 1),
    (5, 6, 96, True, HS, 2),
    (5, 6, 96, True, HS, 1),
    (5, 6, 96, True, HS, 1),
)
VARIANTS: Mapping[str, tuple[tuple[Unit, ...], int]] = MappingProxyType(
    {"small": (SMALL, 1024), "large": (LARGE, 1280)}  # units, hidden width of the classifier
)


class Head(nn.Module):
    """
    The last 1x1 convolution, the mean over all pixels and a classifier of two linear layers.

    Shape   x (N, inputs, H, W) -> logits (N, classes).
    Source  arXiv:1905.02244, section 5.1 and Figure 5.
    """

    def __init__(self, inputs: int, mixed: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.mix = conv_norm(inputs, mixed, 1, activation=HS)
        self.hidden = nn.Linear(mixed, hidden)
        self.act = HS()
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, classes)."""
        pooled = self.mix(x).mean(dim=(2, 3))
        logits: Tensor = self.classifier(self.dropout(self.act(self.hidden(pooled))))
        return logits


def squeeze_options(place: Place) -> Mapping[str, Option]:
    """What squeeze-and-excitation is here: a quarter of the channels, and a hard sigmoid."""
    return {"hidden": rounded(place.channels // 4), "gate": "hard-sigmoid"}


class MobileNetV3(Chain):
    """
    MobileNetV3 with any attention where it has squeeze-and-excitation.

    Shape   x (N, 3, H, W) -> logits (N, num_classes).
    Cost    Width 1.0, 1000 classes, its own se: large 5,483,032 parameters and 216,589,760
            multiply-accumulates at 224 x 224; small 2,542,856 and 56,510,400.
    Source  Howard et al., ICCV 2019, arXiv:1905.02244, Tables 1 and 2; expansions, initial weights,
            the width of the gates and their place as in d-li14/mobilenetv3.pytorch: between
            the depthwise norm and its activation, and after that in a unit that does not expand.
            The paper draws the last two layers as 1x1 convolutions on one pixel.
    """

    HOMES: ClassVar[Mapping[str, Home]] = MappingProxyType(
        {
            "gate": Home("expanded"),
            "residual": Home("expanded"),
            "se": Home("expanded", squeeze_options),
            "sk": Home("expanded", depthwise_halves),
        }
    )

    def __init__(
        self,
        attention: Attention = empty,
        *,
        variant: str,
        width: float = 1.0,
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        units, hidden = VARIANTS[variant]
        channels = rounded(16 * width)
        self.stem = conv_norm(3, channels, 3, stride=2, activation=HS)
        self.features = nn.Sequential(*_units(units, channels, width, attention))
        last = units[-1]
        outputs = rounded(last[2] * width)
        self.head = Head(
            outputs,
            rounded(outputs * last[1]),
            rounded(hidden * max(1.0, width)),
            num_classes,
        )
        self.apply(initialise)

    def layouts(self) -> tuple[Layout, ...]:
        """Of d-li14, whose weights are public."""
        units = [unit for unit in self.features if isinstance(unit, MBConv)]
        block = next((unit.attention for unit in units if unit.attention is not None), None)
        ends = {
            "stem.conv": "features.0.0",
            "stem.norm": "features.0.1",
            "head.mix.conv": "conv.0",
            "head.mix.norm": "conv.1",
            "head.hidden": "classifier.0",
            "head.classifier": "classifier.3",
        }
        return tuple(
            Layout(
                "d-li14/mobilenetv3.pytorch",
                ends
                | {
                    f"features.{i}.{ours}": f"features.{i + 1}.conv.{theirs}"
                    for i, unit in enumerate(units)
                    for ours, theirs in _renames(unit, inner).items()
                },
            )
            for inner in layouts_of(block)
        )


def _renames(unit: MBConv, inner: Layout) -> dict[str, str]:
    """Theirs is one numbered sequence, in which a missing attention keeps its number."""
    first = 0 if unit.expand is None else 3
    gate = first + (3 if unit.expand is None else 2)
    project = first + 4
    renames = {"depthwise.conv": f"{first}", "depthwise.norm": f"{first + 1}"}
    if unit.expand is not None:
        renames |= {"expand.conv": "0", "expand.norm": "1"}
    if unit.attention is not None:
        renames |= inside("attention", f"{gate}", inner)
    return renames | {"project.conv": f"{project}", "project.norm": f"{project + 1}"}


def _units(
    units: tuple[Unit, ...], channels: int, width: float, attention: Attention
) -> Iterator[MBConv]:
    stage = 0
    for kernel, expansion, base, gated, activation, stride in units:
        hidden, outputs = rounded(channels * expansion), rounded(base * width)
        stage += stride == 2
        yield MBConv(
            Shape(channels, hidden, outputs, kernel, stride),
            activation=activation,
            attention=attention(Place("expanded", hidden, channels, stage)) if gated else None,
            gates_linear=hidden != channels,
        )
        channels = outputs
