"""MobileNeXt, with a place for attention where its sandglasses are about to narrow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from torch import Tensor, nn

from attnbench_models.backbones.base import Chain
from attnbench_models.backbones.heads import Classifier
from attnbench_models.backbones.layers import conv_norm, initialise, rounded
from attnbench_models.layout import Layout
from attnbench_models.places import Attention, Home, Place, always, depthwise_halves, empty

# reduction, output channels, repeats, first stride
STAGES = (
    (2, 96, 1, 2),
    (6, 144, 1, 1),
    (6, 192, 3, 2),
    (6, 288, 3, 2),
    (6, 384, 4, 1),
    (6, 576, 4, 2),
    (6, 960, 3, 1),
    (6, 1280, 1, 1),
)
LAST = len(STAGES) - 1


class Sandglass(nn.Module):
    """
    Filter, gate, narrow, widen, filter; the input is added where the shape allows.

    Shape   x (N, inputs, H, W) -> (N, outputs, H / stride, W / stride), rounded up.
    Math    y = out(widen(narrow(attention(in(x))))), + x where `adds`; narrow and out are linear.
            The authors' code leaves depthwise filters out where the channels change: both at
            stride 1, the first at stride 2. It keeps both in the first unit (reduction 2) and in
            units that are `alone` in their stage, which also add nothing.
    Source  Zhou et al., ECCV 2020, arXiv:2007.02269, Figure 3; layouts as in the authors' code.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        stride: int,
        reduction: int,
        alone: bool = False,
        stage: int = 0,
        attention: Attention = empty,
    ) -> None:
        super().__init__()
        hidden = narrowed(inputs, outputs, reduction)
        filters = reduction == 2 or alone or inputs == outputs
        self.adds = stride == 1 and inputs == outputs and not alone
        self.filter_in = conv_norm(inputs, inputs, 3, groups=inputs) if filters else None
        self.attention = attention(Place("wide", inputs, inputs, stage))
        self.narrow = conv_norm(inputs, hidden, 1, activation=None)
        self.widen = conv_norm(hidden, outputs, 1)
        self.filter_out = (
            conv_norm(outputs, outputs, 3, stride=stride, groups=outputs, activation=None)
            if filters or stride > 1
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        y: Tensor = x if self.filter_in is None else self.filter_in(x)
        if self.attention is not None:
            y = self.attention(y)
        y = self.widen(self.narrow(y))
        if self.filter_out is not None:
            y = self.filter_out(y)
        return x + y if self.adds else y

    def renames(self) -> dict[str, str]:
        """Theirs is one numbered sequence of convolutions, norms and activations."""
        renames: dict[str, str] = {}
        at = 0
        # each with how many numbers its convolution, norm and activation take
        for part, taken in (("filter_in", 3), ("narrow", 2), ("widen", 3), ("filter_out", 2)):
            if getattr(self, part) is not None:
                renames |= {f"{part}.conv": f"conv.{at}", f"{part}.norm": f"conv.{at + 1}"}
                at += taken
        return renames


def narrowed(inputs: int, outputs: int, reduction: int) -> int:
    """The narrow width: of the inputs, unless that is less than a sixth of the outputs."""
    hidden = inputs // reduction
    return hidden if 6 * hidden >= outputs else rounded(math.ceil(outputs / 6), 16)


def is_not_last(place: Place) -> bool:
    """All units but the last take attention."""
    return place.stage < LAST


class MobileNeXt(Chain):
    """
    MobileNeXt for any attention that maps (N, C, H, W) to itself.

    Shape   x (N, 3, H, W) -> logits (N, num_classes).
    Cost    Width 1.0, 1000 classes: 3,535,416 parameters; 311,342,592 multiply-accumulates at
            224 x 224. With se 3,889,055 parameters, with coord 3,947,317.
    Source  Zhou et al., ECCV 2020, arXiv:2007.02269, with the stages of the authors' code (the
            first version of the paper miscounts the 960s). Attention works on the wide channels
            before they are narrowed: after the first depthwise filter, where arXiv:2103.02907 has
            it, and on the input of the units that have no such filter; not in the last unit. This
            is the rule by which se has the 3.89M parameters of arXiv:2103.02907. The 4.09M and
            330M multiply-accumulates that it gives for coord follow from no placement that also
            gives those of se, its MobileNeXt is not published, and the same places are kept. Of the
            README's parameter counts, 2.5M and 1.8M at widths 0.75 and 0.35 are not what its code
            has: 2,766,168 and 1,913,976.
    """

    # Sized as the coordinate attention paper sizes its rivals in MobileNetV2.
    HOMES: ClassVar[Mapping[str, Home]] = MappingProxyType(
        {
            "gate": Home("wide", where=is_not_last),
            "residual": Home("wide", where=is_not_last),
            "se": Home("wide", always(reduction=24, activation="relu6"), where=is_not_last),
            "cbam": Home("wide", always(reduction=24), where=is_not_last),
            "sk": Home("wide", depthwise_halves, where=is_not_last),
        }
    )

    def __init__(
        self, attention: Attention = empty, *, width: float = 1.0, num_classes: int = 1000
    ) -> None:
        super().__init__()
        channels = rounded(32 * width)
        self.stem = conv_norm(3, channels, 3, stride=2)
        self.features = nn.Sequential(*_sandglasses(channels, width, attention))
        self.head = Classifier(rounded(1280 * max(1.0, width)), num_classes, dropout=0.2)
        self.apply(initialise)

    def layouts(self) -> tuple[Layout, ...]:
        """Of the paper's authors, who have no attention."""
        renames = {
            "stem.conv": "features.0.0",
            "stem.norm": "features.0.1",
            "head.linear": "classifier.1",
        }
        for i, sandglass in enumerate(s for s in self.features if isinstance(s, Sandglass)):
            renames |= {
                f"features.{i}.{ours}": f"features.{i + 1}.{theirs}"
                for ours, theirs in sandglass.renames().items()
            }
        return (Layout("zhoudaquan/rethinking_bottleneck_design", renames),)


def _sandglasses(channels: int, width: float, attention: Attention) -> Iterator[Sandglass]:
    for stage, (reduction, base, repeats, first_stride) in enumerate(STAGES):
        outputs = rounded(base * (max(1.0, width) if stage == LAST else width))
        for repeat in range(repeats):
            yield Sandglass(
                channels,
                outputs,
                stride=first_stride if repeat == 0 else 1,
                reduction=reduction,
                alone=repeats == 1 and first_stride == 1,
                stage=stage,
                attention=attention,
            )
            channels = outputs
