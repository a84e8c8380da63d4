"""YOLOv8, with a place for attention after its stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor, nn

from attnbench_models.backbones.yolo import WIDTHS, Yolo
from attnbench_models.backbones.yolo_layers import (
    STRIDES,
    Bottleneck,
    Detections,
    centres,
    conv_silu,
    pixels,
    scaled,
)
from attnbench_models.layout import Layout
from attnbench_models.places import Attention

BINS = 16  # that the distance from a pixel to an edge of its box is distributed over


class C2f(nn.Module):
    """
    Bottlenecks in a row, and everything that went into or came out of them side by side.

    Shape   x (N, inputs, H, W) -> (N, outputs, H, W).
    Math    y = cv2([a, b, m1(b), m2(m1(b)), ...]), a and b the halves of cv1(x).
    """

    def __init__(self, inputs: int, outputs: int, repeats: int, *, adds: bool) -> None:
        super().__init__()
        hidden = outputs // 2
        self.cv1 = conv_silu(inputs, 2 * hidden, 1)
        self.m = nn.ModuleList(Bottleneck(hidden, first=3, adds=adds) for _ in range(repeats))
        self.cv2 = conv_silu((2 + repeats) * hidden, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        maps = list(self.cv1(x).chunk(2, dim=1))
        for bottleneck in self.m:
            maps.append(bottleneck(maps[-1]))
        y: Tensor = self.cv2(torch.cat(maps, dim=1))
        return y


class Decode(nn.Module):
    """
    From distributions of distances and logits to boxes and scores.

    Shape   three maps of distances (N, 4 BINS, H, W) and three of logits (N, classes, H, W) ->
            Detections.
    Math    d = t sum_i i softmax(distances)_i for left, top, right and bottom, t the stride;
            with the middle c of the pixel: x, y = c + (d_rb - d_lt) / 2; w, h = d_lt + d_rb;
            score = sigmoid(logit).
    Source  Li et al., Generalized Focal Loss, NeurIPS 2020, arXiv:2006.04388, for the
            distributions.
    """

    bins: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("bins", torch.arange(BINS, dtype=torch.float32).view(1, BINS, 1, 1))

    def forward(self, distances: Sequence[Tensor], logits: Sequence[Tensor]) -> Detections:
        """The finest map first -> Detections."""
        said = torch.cat([pixels(one) for one in distances], dim=1)
        chances = said.view(len(said), -1, 4, BINS).softmax(dim=-1)
        mean = nn.functional.linear(chances, self.bins.flatten(1)).flatten(2)
        middle, stride = _constants(distances)
        edges = mean * stride
        near, far = edges[..., :2], edges[..., 2:]
        return Detections(
            torch.cat([(far - near) * 0.5 + middle, near + far], dim=-1),
            torch.cat([pixels(one) for one in logits], dim=1).sigmoid(),
        )


def _constants(maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """For each candidate: the middle of its pixel (, 2) and the stride of its map (, 1)."""
    middles = [centres(one, stride) for one, stride in zip(maps, STRIDES, strict=True)]
    strides = [
        torch.full((len(middle), 1), float(stride), dtype=middle.dtype, device=middle.device)
        for middle, stride in zip(middles, STRIDES, strict=True)
    ]
    return torch.cat(middles), torch.cat(strides)


class Head(nn.Module):
    """
    For each map a branch for distances and one for classes, and what makes boxes of them.

    Shape   three maps (N, C, H, W) of C = `widths` -> Detections.
    """

    def __init__(self, widths: Sequence[int], classes: int) -> None:
        super().__init__()
        boxes = max(16, widths[0] // 4, 4 * BINS)
        kinds = max(widths[0], min(classes, 100))
        self.cv2 = nn.ModuleList(_branch(width, boxes, 4 * BINS) for width in widths)
        self.cv3 = nn.ModuleList(_branch(width, kinds, classes) for width in widths)
        self.decode = Decode()

    def forward(self, maps: Sequence[Tensor]) -> Detections:
        """Three maps, the finest first -> Detections."""
        distances = [branch(one) for branch, one in zip(self.cv2, maps, strict=True)]
        logits = [branch(one) for branch, one in zip(self.cv3, maps, strict=True)]
        found: Detections = self.decode(distances, logits)
        return found


def _branch(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        conv_silu(inputs, hidden, 3),
        conv_silu(hidden, hidden, 3),
        nn.Conv2d(hidden, outputs, 1),
    )


class YOLOv8(Yolo):
    """
    YOLOv8n, from its published figures; width 2 is YOLOv8s.

    Shape   x (N, 3, H, W) -> Detections: boxes (N, M, 4), scores (N, M, num_classes), M the pixels
            of the three maps together: 8,400 at 640 x 640.
    Cost    Width 1.0, 80 classes: 3,157,184 parameters. 3,157,200 is published, which counts 16
            constants of the decoding. Width 2.0: 11,166,544 and 11,166,560 in the same way.
    Source  Jocher et al., YOLOv8 (ultralytics/ultralytics): numbers of channels and repeats.
            Where attention goes, `sea` above all, is our choice: the place that YOLOv5 has for it.
            Nobody prints a number for that pair.
    """

    NUMBERS: ClassVar[Mapping[str, int]] = MappingProxyType(
        {
            "pool": 9,
            "neck.up4": 12,
            "neck.up3": 15,
            "neck.halve3": 16,
            "neck.down4": 18,
            "neck.halve4": 19,
            "neck.down5": 21,
            "head": 22,
        }
    )

    def __init__(self, attention: Attention, *, width: float, num_classes: int) -> None:
        width = width / 4  # of the family's own multiplier, which is 0.25 for n
        super().__init__(
            conv_silu(3, scaled(WIDTHS[0], width), 3, stride=2),
            width=width,
            repeats=(1, 2, 2, 1),
            unit=C2f,
            reduces=False,
            attention=attention,
        )
        self.head = Head([scaled(base, width) for base in WIDTHS[2:]], num_classes)

    def _renames(self, inner: Layout) -> dict[str, str]:
        renames = super()._renames(inner)
        return renames | {"head.decode.bins": f"{renames['head']}.dfl.conv.weight"}
