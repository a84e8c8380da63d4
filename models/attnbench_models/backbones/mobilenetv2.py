"""MobileNetV2, with a place for attention in its inverted residuals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from torch import Tensor, nn

from attnbench_models.backbones.base import Chain
from attnbench_models.backbones.layers import conv_norm, initialise, rounded
from attnbench_models.layout import Layout, inside, layouts_of
from attnbench_models.places import Attention, Home, Place, always, depthwise_halves, empty
from attnbench_models.pruning import Width

# expansion, output channels, repeats, first stride: Table 2 of the paper
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """
    Expand, filter each channel, gate, project; the input is added or fused where its shape allows.

    Shape   x (N, inputs, H, W) -> (N, outputs, H / stride, W / stride), rounded up.
    Math    y = project(attention(depthwise(expand(x)))), + x if stride 1 and inputs = outputs;
            expand is absent at expansion 1, attention where none is given. A fusion takes the
            place of the sum. What ends a stage may have a block behind the sum.
    Source  Sandler et al., CVPR 2018, arXiv:1801.04381, Table 1 and Figure 4d; attention on the
            expanded channels, after the depthwise activation and before the projection, as in the
            authors' MobileNetV2 of arXiv:2103.02907.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        stride: int,
        expansion: int,
        stage: int = 0,
        ends_stage: bool = False,
        kernel: int = 3,
        activation: Callable[[], nn.Module] = nn.ReLU6,
        attention: Attention = empty,
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        self.expand = conv_norm(inputs, hidden, 1, activation=activation) if expansion > 1 else None
        self.depthwise = conv_norm(
            hidden, hidden, kernel, stride=stride, groups=hidden, activation=activation
        )
        role = "expanded" if expansion > 1 else "filtered"
        self.attention = attention(Place(role, hidden, inputs, stage))
        self.project = conv_norm(hidden, outputs, 1, activation=None)
        self.after = attention(Place("projected", outputs, inputs, stage))
        self.fuse = attention(Place("sum", outputs, inputs, stage)) if self.adds else None
        self.beyond = attention(Place("stage", outputs, inputs, stage)) if ends_stage else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        y: Tensor = x if self.expand is None else self.expand(x)
        y = self.depthwise(y)
        if self.attention is not None:
            y = self.attention(y)
        y = self.project(y)
        if self.after is not None:
            y = self.after(y)
        if self.adds:
            y = x + y if self.fuse is None else self.fuse(y, x)
        return y if self.beyond is None else self.beyond(y)

    def widths(self) -> Iterator[Width]:
        """The expanded channels, unless they are the input's."""
        if self.expand is not None:
            yield Width((self.expand, self.depthwise), self.attention, self.project)

    def layouts(self) -> tuple[Layout, ...]:
        """Theirs is one numbered sequence: convolution, norm, activation; attention; projection."""
        block = self.attention if self.attention is not None else self.after
        return tuple(
            Layout("houqb/CoordAttention mbv2_ca.py", self.renames(inner))
            for inner in layouts_of(block)
        )

    def renames(self, inner: Layout) -> dict[str, str]:
        """Our prefixes to theirs; `inner` names the attention's parts."""
        renames: dict[str, str] = {}
        at = 0
        for part, layers in (("expand", self.expand), ("depthwise", self.depthwise)):
            if layers is not None:
                renames |= {f"{part}.conv": f"conv.{at}", f"{part}.norm": f"conv.{at + 1}"}
                at += 3
        if self.attention is not None:
            renames |= inside("attention", f"conv.{at}", inner)
            at += 1
        renames |= {"project.conv": f"conv.{at}", "project.norm": f"conv.{at + 1}"}
        return renames | (inside("after", f"conv.{at + 2}", inner) if self.after else {})


class Head(nn.Module):
    """
    The last 1x1 convolution, the mean over all pixels and the linear classifier.

    Shape   x (N, inputs, H, W) -> logits (N, classes).
    Source  arXiv:1801.04381, Table 2, last three rows.
    """

    def __init__(self, inputs: int, hidden: int, classes: int, *, dropout: float) -> None:
        super().__init__()
        self.mix = conv_norm(inputs, hidden, 1)
        self.dropout = nn.Dropout(dropout) if dropout > 0 else None
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, classes)."""
        pooled = self.mix(x).mean(dim=(2, 3))
        if self.dropout is not None:
            pooled = self.dropout(pooled)
        logits: Tensor = self.classifier(pooled)
        return logits


class MobileNetV2(Chain):
    """
    MobileNetV2 for any attention that maps (N, C, H, W) to itself.

    Shape   x (N, 3, H, W) -> logits (N, num_classes).
    Cost    Width 1.0, 1000 classes: 3,504,872 parameters; 300,774,272 multiply-accumulates at
            224 x 224. With coord 3,950,648 and 306,666,368.
    Source  Sandler et al., CVPR 2018, arXiv:1801.04381, Table 2; channel rounding, initial weights
            and, with attention, the dropout of 0.1 as in the code of arXiv:2103.02907. Sixteen of
            the 17 inverted residuals have the attention: the first, which does not expand, has
            none. Where `nam` goes is our choice (its authors have no MobileNet): the same place,
            3,519,080 parameters. So is that fusions take the ten sums, with reduction 4, that sk is
            depthwise, that gam is on the projected channels, and that bam ends the three stages at
            1/4, 1/8 and 1/16 of the input's size, where ResNet has it. triplet (3,509,972) and eca
            are on the projected channels of all 17, as their authors have them.
    """

    PLACES = ("attention", "after", "fuse", "beyond")

    # What each block is in this backbone. The coordinate attention paper's comparison sizes all
    # of its rivals alike: parameter counts match its published 3.89M, 3.89M and 3.95M.
    HOMES: ClassVar[Mapping[str, Home]] = MappingProxyType(
        {
            "gate": Home("expanded"),
            "residual": Home("expanded"),
            "fusion": Home("sum"),
            "se": Home("expanded", always(reduction=24, activation="relu6")),
            "cbam": Home("expanded", always(reduction=24)),
            "triplet": Home("projected"),
            "eca": Home("projected", lambda place: {"kernel": 1 if place.channels < 96 else 3}),
            "sk": Home("expanded", depthwise_halves),
            "gam": Home("projected"),
            "bam": Home("stage", where=lambda place: place.stage in (1, 2, 4)),
        }
    )

    def __init__(
        self, attention: Attention = empty, *, width: float = 1.0, num_classes: int = 1000
    ) -> None:
        super().__init__()
        channels = rounded(32 * width)
        self.stem = conv_norm(3, channels, 3, stride=2)
        self.features = nn.Sequential(*_residuals(channels, width, attention))
        self.head = Head(
            rounded(320 * width),
            rounded(1280 * max(1.0, width)),
            num_classes,
            dropout=0.0 if attention is empty else 0.1,
        )
        self.apply(initialise)

    def layouts(self) -> tuple[Layout, ...]:
        """Of the authors of coordinate attention, and of d-li14, whose weights are public."""
        return tuple(self._layouts())

    def _layouts(self) -> Iterator[Layout]:
        residuals = [r for r in self.features if isinstance(r, InvertedResidual)]
        block = next((b for r in residuals for b in (r.attention, r.after) if b is not None), None)
        ends = {
            "stem.conv": "features.0.0",
            "stem.norm": "features.0.1",
            "head.mix.conv": "conv.0",
            "head.mix.norm": "conv.1",
        }
        for inner in layouts_of(block):
            places = {
                f"features.{i}.{ours}": f"features.{i + 1}.{theirs}"
                for i, residual in enumerate(residuals)
                for ours, theirs in residual.renames(inner).items()
            }
            body = ends | places
            yield Layout("d-li14/mobilenetv2.pytorch", body | {"head.classifier": "classifier"})
            houqb = body | {"head.classifier": "classifier.1"}
            yield Layout("houqb/CoordAttention mbv2_ca.py", houqb)


def _residuals(channels: int, width: float, attention: Attention) -> Iterator[InvertedResidual]:
    for stage, (expansion, base, repeats, first_stride) in enumerate(STAGES):
        outputs = rounded(base * width)
        for repeat in range(repeats):
            yield InvertedResidual(
                channels,
                outputs,
                stride=first_stride if repeat == 0 else 1,
                expansion=expansion,
                stage=stage,
                ends_stage=repeat == repeats - 1,
                attention=attention,
            )
            channels = outputs
