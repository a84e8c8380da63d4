"""SeaFormer with its light segmentation head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from attnbench_models.backbones.base import Backbone
from attnbench_models.backbones.layers import conv_norm
from attnbench_models.backbones.seaformer.trunk import HOMES, Trunk
from attnbench_models.backbones.seaformer.variants import VARIANTS, Variant
from attnbench_models.layout import Layout
from attnbench_models.places import Attention, Home, empty

LOCAL = 1  # the stage, at stride 8, that the head refines with every stage that has mixers


def resized(x: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear, with pixels as squares whose centres are half a pixel in: (N, C, h, w) -> size."""
    return functional.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


class Fusion(nn.Module):
    """
    Gate a fine map with what a coarse one says.

    Shape   x (N, C, H, W), coarse (N, K, h, w) -> (N, outputs, H, W).
    Math    y = local(x) * resized(hardsigmoid(gate(coarse))), 1x1 convolutions with BatchNorm.
    """

    def __init__(self, inputs: int, coarse: int, outputs: int) -> None:
        super().__init__()
        self.local = conv_norm(inputs, outputs, 1, activation=None)
        self.gate = conv_norm(coarse, outputs, 1, activation=None)

    def forward(self, x: Tensor, coarse: Tensor) -> Tensor:
        """(N, C, H, W) and (N, K, h, w) -> (N, outputs, H, W)."""
        gate = resized(functional.hardsigmoid(self.gate(coarse)), x.shape[2:])
        local: Tensor = self.local(x)
        return local * gate


class LightHead(nn.Module):
    """
    Refine the map at stride 8 with each coarser one in turn, and classify its pixels.

    Shape   one map for every stage of the trunk -> logits (N, classes, H / 8, W / 8).
    Source  Wan et al., ICLR 2023, arXiv:2301.13156, section 3.3; as in the authors' code: before
            the classifier a 1x1 convolution with one weight a channel, BatchNorm and ReLU.
    """

    def __init__(self, variant: Variant, classes: int) -> None:
        super().__init__()
        coarse = [stage.channels for stage in variant.stages if stage.mixing is not None]
        inputs = (variant.stages[LOCAL].channels, *variant.fused)
        self.fusions = nn.ModuleList(
            Fusion(*channels) for channels in zip(inputs, coarse, variant.fused, strict=False)
        )
        last = variant.fused[-1]
        self.scale = conv_norm(last, last, 1, groups=last, activation=nn.ReLU)
        self.classifier = nn.Conv2d(last, classes, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """The maps of all stages -> (N, classes, H / 8, W / 8)."""
        x = maps[LOCAL]
        for fusion, coarse in zip(self.fusions, maps[-len(self.fusions) :], strict=True):
            x = fusion(x, coarse)
        logits: Tensor = self.classifier(self.scale(x))
        return logits


class Resize(nn.Module):
    """Logits at stride 8 -> at the size of the image; bilinear, corners not aligned."""

    def forward(self, logits: Tensor, image: Tensor) -> Tensor:
        """(N, K, h, w) and (N, 3, H, W) -> (N, K, H, W)."""
        return resized(logits, image.shape[2:])


class Labels(nn.Module):
    """The class with the largest logit, of every pixel."""

    def forward(self, logits: Tensor) -> Tensor:
        """(N, K, H, W) -> (N, H, W) int64."""
        return logits.argmax(dim=1)


class SeaFormerSegmentation(Backbone):
    """
    SeaFormer that labels pixels.

    Shape   x (N, 3, H, W) -> with `output` "labels" (N, H, W) int64, with "logits" (N, num_classes,
            H, W), with "coarse" the head's own logits (N, num_classes, H / 8, W / 8), rounded up.
    Cost    With sea and 150 classes t has 1,667,318 parameters, s 3,990,118, b 8,605,654 and
            l 13,951,510; the last resize and the argmax have none, and no multiply-accumulates.
    Source  Wan et al., ICLR 2023, arXiv:2301.13156; head and sizes as in the authors' code and
            configurations for ADE20K. What they publish is rounded (1.7M, 4.0M, 8.6M, 14.0M) and
            they have no reference outputs. Resize and argmax are modules of their own, since in
            public reports they take half of the time. Blocks go where they go in the classifier.
            Dropout and stochastic depth, a matter of training, are left out.
    """

    HOMES: ClassVar[Mapping[str, Home]] = HOMES

    def __init__(
        self,
        attention: Attention = empty,
        *,
        variant: str = "t",
        output: str = "labels",
        num_classes: int = 150,
    ) -> None:
        super().__init__()
        self.trunk = Trunk(VARIANTS[variant], attention)
        self.head = LightHead(VARIANTS[variant], num_classes)
        self.resize = None if output == "coarse" else Resize()
        self.labels = Labels() if output == "labels" else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> labels or logits."""
        scores = self.scores(x)
        return scores if self.labels is None else self.labels(scores)

    def scores(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> the logits that labels are chosen by."""
        logits: Tensor = self.head(self.trunk(x))
        return logits if self.resize is None else self.resize(logits, x)

    def block_paths(self) -> Iterator[tuple[str, str]]:
        """The paths that latency and cost are told by, in forward order, each with its kind."""
        for path, kind in self.trunk.block_paths():
            yield f"trunk.{path}", kind
        for name, _ in self.head.fusions.named_children():
            yield f"head.fusions.{name}", "backbone"
        for path in ("head.scale", "head.classifier", "resize", "labels"):
            if getattr(self, path.partition(".")[0]) is not None:
                yield path, "backbone"

    def layouts(self) -> tuple[Layout, ...]:
        """Of the authors' segmentation code."""
        head = {
            "head.scale.conv": "decode_head.linear_fuse.conv",
            "head.scale.norm": "decode_head.linear_fuse.bn",
            "head.classifier": "decode_head.conv_seg",
        }
        for at in range(len(self.head.fusions)):
            for ours, theirs in (("local", "local_embedding"), ("gate", "global_act")):
                prefix = f"decode_head.fuse{at + 1}.{theirs}"
                head[f"head.fusions.{at}.{ours}.conv"] = f"{prefix}.conv"
                head[f"head.fusions.{at}.{ours}.norm"] = f"{prefix}.bn"
        return tuple(
            Layout(
                "fudan-zvg/SeaFormer seaformer-seg",
                head | {f"trunk.{ours}": f"backbone.{name}" for ours, name in renames.items()},
            )
            for renames in self.trunk.renames()
        )
