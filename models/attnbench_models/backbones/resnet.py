"""ResNets and ResNeXts, with places for attention in and between residuals and in their sums."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import ClassVar

from torch import Tensor, nn

from attnbench_models.backbones.base import Chain
from attnbench_models.backbones.heads import Classifier
from attnbench_models.backbones.layers import conv_norm, initialise
from attnbench_models.backbones.resnet_layouts import resnet_layouts
from attnbench_models.layout import Layout, layouts_of
from attnbench_models.places import Attention, Home, Place, always, empty
from attnbench_models.pruning import Width

WIDTHS = (64, 128, 256, 512)  # of the 3x3 convolutions in the four stages


@dataclass(frozen=True, slots=True)
class Design:
    """
    What tells one ResNet from another.

    `stem` is "plain" (7x7 and a pool), "deep" (three 3x3, the first two `stem_width` wide, and a
    pool) or "small" (one 3x3 that keeps the size of the image). With `pools` a shortcut averages
    2x2 pixels where others skip three of four.
    """

    repeats: tuple[int, ...] = (3, 4, 6, 3)
    expansion: int = 4  # 1 is the basic residual of two 3x3 convolutions
    groups: int = 1
    group_width: int = 64
    stem: str = "plain"
    stem_width: int = 32
    pools: bool = False

    @property
    def stem_outputs(self) -> int:
        """The channels that enter the first stage."""
        return 2 * self.stem_width if self.stem == "deep" else WIDTHS[0]


FIFTY = Design()
NEXT = Design(groups=32, group_width=4)
DESIGNS = MappingProxyType(
    {
        "resnet18": Design(repeats=(2, 2, 2, 2), expansion=1),
        "resnet50": FIFTY,
        "resnet50-cifar": replace(FIFTY, stem="small"),
        "resnet50-d": replace(FIFTY, stem="deep", pools=True),
        "resnet101": Design(repeats=(3, 4, 23, 3)),
        "resnext50": NEXT,
        "resnext50-d": replace(NEXT, stem="deep", stem_width=64, pools=True),
    }
)


class Residual(nn.Module):
    """
    Convolve, gate, add the input or fuse it, and cut off what is negative.

    Shape   x (N, inputs, H, W) -> (N, outputs, H / stride, W / stride), rounded up.
    Math    y = relu(fuse(attention(body(x)), shortcut(x))); the shortcut is x itself where the
            shape allows, attention is absent and fuse is the sum where none is given.
    Source  He et al., CVPR 2016, arXiv:1512.03385, Figure 5; stride in the 3x3 convolution, as in
            what is called version 1.5.
    """

    def __init__(
        self,
        design: Design,
        inputs: int,
        *,
        stage: int,
        stride: int,
        attention: Attention = empty,
    ) -> None:
        super().__init__()
        outputs = WIDTHS[stage] * design.expansion
        self.body = nn.Sequential(*_body(design, inputs, WIDTHS[stage], stride))
        self.attention = attention(Place("branch", outputs, inputs, stage))
        self.shortcut = (
            _shortcut(inputs, outputs, stride, pools=design.pools)
            if stride > 1 or inputs != outputs
            else None
        )
        self.fuse = attention(Place("sum", outputs, inputs, stage))
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        branch: Tensor = self.body(x)
        if self.attention is not None:
            branch = self.attention(branch)
        identity = x if self.shortcut is None else self.shortcut(x)
        fused = branch + identity if self.fuse is None else self.fuse(branch, identity)
        y: Tensor = self.act(fused)
        return y

    def widths(self) -> Iterator[Width]:
        """The channels between each two convolutions of the body."""
        for maker, reader in pairwise(self.body):
            yield Width((maker,), None, reader)


class ResNet(Chain):
    """
    ResNet and ResNeXt for any attention that maps (N, C, H, W) to itself, and any fusion.

    Shape   x (N, 3, H, W) -> logits (N, num_classes).
    Cost    1000 classes, at 224 x 224: resnet18 11,689,512 parameters and 1,814,073,344
            multiply-accumulates; resnet50 25,557,032 and 4,089,184,256; resnext50 25,028,904 and
            4,230,479,872. resnet50 with se 28,088,024 parameters, with cbam 28,089,624, with bam
            25,915,099, with nam 25,587,240. resnet50-d with aff 30,373,192, with iaff 35,170,120.
    Source  He et al., CVPR 2016, arXiv:1512.03385, Table 1; Xie et al., CVPR 2017,
            arXiv:1611.05431, Table 1; deep stem and pooling shortcut of "-d" from He et al., CVPR
            2019, arXiv:1812.01187, section 4.2. A block goes after the last norm of a residual and
            before the sum, as its authors have it (se, cbam, nam, triplet, eca), recommend it
            (coord) or nobody says; gc so in all stages but the first, adding and with reduction 16;
            bam after each stage but the last; nl once, as in its paper, before the last residual of
            the third stage. SKNet replaces 3x3 convolutions by sk; here sk, with SKNet's 32 groups,
            goes where other blocks go, since it keeps the shape. Fusions replace the sums of the
            last two stages, with reduction 16, as in the authors' MXNet code: theirs are the
            ResNets "-d", and the stem of their ResNeXt is twice as wide (29,953,704 parameters with
            aff, 34,750,632 with iaff, which their README cuts off to 29.9M and 34.7M).
    """

    PARTS = ("stem", "stages", "head")

    HOMES: ClassVar[Mapping[str, Home]] = MappingProxyType(
        {
            "gate": Home("branch"),
            "residual": Home("branch"),
            "fusion": Home("sum", always(reduction=16), where=lambda place: place.stage > 1),
            "bam": Home("stage", where=lambda place: place.stage < len(WIDTHS) - 1),
            "gc": Home(
                "branch", always(reduction=16, fuse="add"), where=lambda place: place.stage > 0
            ),
            "sk": Home("branch", always(groups=32)),
            "nl": Home(
                "inner", always(reduction=2, scaled=False), where=lambda place: place.stage == 2
            ),
        }
    )

    def __init__(
        self, attention: Attention = empty, *, variant: str, num_classes: int = 1000
    ) -> None:
        super().__init__()
        design = DESIGNS[variant]
        self.stem = stem(design)
        self.stages = stages(design, attention)
        self.head = Classifier(WIDTHS[-1] * design.expansion, num_classes)
        self.apply(initialise)

    def block_paths(self) -> Iterator[tuple[str, str]]:
        """The paths that latency and cost are told by, in forward order, each with its kind."""
        yield "stem", "backbone"
        yield from stage_paths(self.stages)
        yield "head", "backbone"

    def layouts(self) -> tuple[Layout, ...]:
        """Of torchvision, and of those who added a block to it."""
        paths = tuple(self.block_paths())
        places = [path for path, kind in paths if kind == "attention"]
        block = layouts_of(self.get_submodule(places[0])) if places else ()
        return resnet_layouts(paths, block, deep=len(self.stem) > 2)


class FusedResNet(ResNet):
    """
    ResNet with a fusion in place of every sum, reduction 4, as open-aff's PyTorch port has it.

    Shape   x (N, 3, H, W) -> logits (N, num_classes).
    Cost    1000 classes: resnet18 with aff 12,400,232 parameters, with iaff 13,110,952; resnet50
            with aff 45,789,864, with iaff 66,022,696.
    Source  Dai et al., WACV 2021, arXiv:2009.14082. The authors' MXNet code, which made the
            published results, has fewer and narrower fusions: see `ResNet`. It has no ResNet-18.
    """

    HOMES: ClassVar[Mapping[str, Home]] = MappingProxyType({**ResNet.HOMES, "fusion": Home("sum")})


def stem(design: Design) -> nn.Sequential:
    """From the image to the first stage: a quarter of its height and width, or all of it."""
    if design.stem == "small":
        return nn.Sequential(conv_norm(3, design.stem_outputs, 3, activation=nn.ReLU))
    pool = nn.MaxPool2d(3, 2, padding=1)
    if design.stem == "plain":
        return nn.Sequential(
            conv_norm(3, design.stem_outputs, 7, stride=2, activation=nn.ReLU), pool
        )
    width = design.stem_width
    return nn.Sequential(
        conv_norm(3, width, 3, stride=2, activation=nn.ReLU),
        conv_norm(width, width, 3, activation=nn.ReLU),
        conv_norm(width, 2 * width, 3, activation=nn.ReLU),
        pool,
    )


def stages(design: Design, attention: Attention) -> nn.Sequential:
    """The four stages: residuals by number, `inner` before the last of them, `after` after it."""
    made, inputs = [], design.stem_outputs
    for stage, repeats in enumerate(design.repeats):
        parts: dict[str, nn.Module | None] = {}
        for at in range(repeats):
            if at == repeats - 1:
                parts["inner"] = attention(Place("inner", inputs, inputs, stage))
            stride = 2 if at == 0 and stage > 0 else 1
            parts[str(at)] = Residual(
                design, inputs, stage=stage, stride=stride, attention=attention
            )
            inputs = WIDTHS[stage] * design.expansion
        parts["after"] = attention(Place("stage", inputs, inputs, stage))
        made.append(nn.Sequential(OrderedDict((k, v) for k, v in parts.items() if v is not None)))
    return nn.Sequential(*made)


def stage_paths(stages: nn.Sequential) -> Iterator[tuple[str, str]]:
    """Every residual, its attention and fusion, and what is between and after residuals."""
    for number, stage in stages.named_children():
        for name, part in stage.named_children():
            path = f"stages.{number}.{name}"
            if not isinstance(part, Residual):
                yield path, "attention"
                continue
            yield path, "backbone"
            for place in ("attention", "fuse"):
                if getattr(part, place) is not None:
                    yield f"{path}.{place}", "attention"


def _body(design: Design, inputs: int, width: int, stride: int) -> Iterator[nn.Sequential]:
    if design.expansion == 1:
        yield conv_norm(inputs, width, 3, stride=stride, activation=nn.ReLU)
        yield conv_norm(width, width, 3, activation=None)
        return
    outputs, groups = width * design.expansion, design.groups
    width = width * design.group_width // 64 * groups
    yield conv_norm(inputs, width, 1, activation=nn.ReLU)
    yield conv_norm(width, width, 3, stride=stride, groups=groups, activation=nn.ReLU)
    yield conv_norm(width, outputs, 1, activation=None)


def _shortcut(inputs: int, outputs: int, stride: int, *, pools: bool) -> nn.Sequential:
    if not pools:
        return conv_norm(inputs, outputs, 1, stride=stride, activation=None)
    pool = nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)  # as many as the branch has
    return nn.Sequential(
        pool if stride > 1 else nn.Identity(), conv_norm(inputs, outputs, 1, activation=None)
    )
