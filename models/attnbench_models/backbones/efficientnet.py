"""EfficientNet-B0, with attention where it has squeeze-and-excitation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from torch import nn

from attnbench_models.backbones.base import Chain
from attnbench_models.backbones.heads import Classifier
from attnbench_models.backbones.layers import conv_norm, initialise
from attnbench_models.backbones.mbconv import MBConv, Shape
from attnbench_models.layout import Layout, inside, layouts_of
from attnbench_models.places import Attention, Home, Place, depthwise_halves, empty
from attnbench_models.recipe import Option

# expansion, output channels, repeats, first stride, kernel: Table 1 of the paper
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


def squeeze_options(place: Place) -> Mapping[str, Option]:
    """What squeeze-and-excitation is here: a quarter of the channels that enter the unit."""
    return {"hidden": round(0.25 * place.inputs), "activation": "silu"}


class EfficientNet(Chain):
    """
    EfficientNet-B0 with any attention where it has squeeze-and-excitation.

    Shape   x (N, 3, H, W) -> logits (N, num_classes).
    Cost    1000 classes, its own se: 5,288,548 parameters and 385,814,752 multiply-accumulates at
            224 x 224. With coord 5,381,804 parameters.
    Source  Tan and Le, ICML 2019, arXiv:1905.11946, Table 1; dropout 0.2 and BatchNorm's epsilon
            of 1e-5 as in timm's efficientnet_b0. All 16 units have the attention, on the expanded
            channels after the depthwise activation. Where coord goes is our choice: the code of
            arXiv:2103.02907, which compares the two here, is not public.
    """

    PARTS = ("stem", "features", "mix", "head")

    HOMES: ClassVar[Mapping[str, Home]] = MappingProxyType(
        {
            "gate": Home("expanded"),
            "residual": Home("expanded"),
            "se": Home("expanded", squeeze_options),
            "sk": Home("expanded", depthwise_halves),
        }
    )

    def __init__(self, attention: Attention = empty, *, num_classes: int = 1000) -> None:
        super().__init__()
        self.stem = conv_norm(3, 32, 3, stride=2, activation=nn.SiLU)
        self.features = nn.Sequential(*_units(32, attention))
        self.mix = conv_norm(320, 1280, 1, activation=nn.SiLU)
        self.head = Classifier(1280, num_classes, dropout=0.2)
        self.apply(initialise)

    def layouts(self) -> tuple[Layout, ...]:
        """Of timm."""
        units = [unit for unit in self.features if isinstance(unit, MBConv)]
        ends = {
            "stem.conv": "conv_stem",
            "stem.norm": "bn1",
            "mix.conv": "conv_head",
            "mix.norm": "bn2",
            "head.linear": "classifier",
        }
        names = (f"blocks.{stage}.{i}" for stage, row in enumerate(STAGES) for i in range(row[2]))
        places = list(enumerate(zip(units, names, strict=True)))
        return tuple(
            Layout(
                "timm efficientnet_b0",
                ends
                | {
                    f"features.{i}.{ours}": f"{name}.{theirs}"
                    for i, (unit, name) in places
                    for ours, theirs in _renames(unit, inner).items()
                },
            )
            for inner in layouts_of(units[0].attention)
        )


def _renames(unit: MBConv, inner: Layout) -> dict[str, str]:
    """Theirs numbers the norms, and calls whatever attention there is se."""
    norms = ["depthwise.norm", "project.norm"]
    if unit.expand is None:
        renames = {"depthwise.conv": "conv_dw", "project.conv": "conv_pw"}
    else:
        renames = {
            "expand.conv": "conv_pw",
            "depthwise.conv": "conv_dw",
            "project.conv": "conv_pwl",
        }
        norms = ["expand.norm", *norms]
    renames |= {norm: f"bn{number}" for number, norm in enumerate(norms, start=1)}
    return renames | (inside("attention", "se", inner) if unit.attention is not None else {})


def _units(channels: int, attention: Attention) -> Iterator[MBConv]:
    for stage, (expansion, outputs, repeats, first_stride, kernel) in enumerate(STAGES):
        for repeat in range(repeats):
            hidden = channels * expansion
            yield MBConv(
                Shape(channels, hidden, outputs, kernel, first_stride if repeat == 0 else 1),
                activation=nn.SiLU,
                attention=attention(Place("expanded", hidden, channels, stage)),
            )
            channels = outputs
