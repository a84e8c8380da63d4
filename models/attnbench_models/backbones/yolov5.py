"""YOLOv5, with a place for attention after its stages."""

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
from attnbench_models.places import Attention

# width and height of each map's three anchors, in pixels of a 640 x 640 input
ANCHORS = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)


class C3(nn.Module):
    """
    Bottlenecks on half of the channels, beside a shortcut on the other half.

    Shape   x (N, inputs, H, W) -> (N, outputs, H, W).
    Math    y = cv3([m(cv1(x)), cv2(x)]), m the bottlenecks in a row.
    Source  the cross-stage partial networks of Wang et al., CVPRW 2020, arXiv:1911.11929, as
            YOLOv5 6.0 has them.
    """

    def __init__(self, inputs: int, outputs: int, repeats: int, *, adds: bool) -> None:
        super().__init__()
        hidden = outputs // 2
        self.cv1 = conv_silu(inputs, hidden, 1)
        self.cv2 = conv_silu(inputs, hidden, 1)
        self.m = nn.Sequential(*(Bottleneck(hidden, first=1, adds=adds) for _ in range(repeats)))
        self.cv3 = conv_silu(2 * hidden, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        y: Tensor = self.cv3(torch.cat([self.m(self.cv1(x)), self.cv2(x)], dim=1))
        return y


class Decode(nn.Module):
    """
    From what the head's convolutions say of each anchor to boxes and scores.

    Shape   three maps (N, 3 (5 + classes), H, W) -> Detections.
    Math    s = sigmoid(map), 5 + classes values an anchor; with the stride t, the middle c of the
            pixel and the anchor's size a: x, y = 2 t s + c - t; w, h = 4 a s s;
            score = objectness times class.
    """

    anchors: Tensor

    def __init__(self) -> None:
        super().__init__()
        sizes = torch.tensor(ANCHORS, dtype=torch.float32)
        self.register_buffer("anchors", sizes / torch.tensor(STRIDES).view(-1, 1, 1))

    def forward(self, maps: Sequence[Tensor]) -> Detections:
        """Three maps, the finest first -> Detections."""
        each = self.anchors.shape[1]
        said = torch.cat([pixels(one, each) for one in maps], dim=1).sigmoid()
        strides, middles, sizes = zip(
            *(
                _constants(one, stride, anchors)
                for one, stride, anchors in zip(maps, STRIDES, self.anchors, strict=True)
            ),
            strict=True,
        )
        stride = torch.cat(strides)
        where = said[..., :2] * (2 * stride) + (torch.cat(middles) - stride)
        size = said[..., 2:4] * said[..., 2:4] * (4 * torch.cat(sizes))
        return Detections(
            torch.cat([where, size], dim=-1),
            said[..., 4:5] * said[..., 5:],
        )


def _constants(x: Tensor, stride: int, anchors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each candidate of a map: stride (, 1), middle of its pixel (, 2) and anchor (, 2)."""
    middles = centres(x, stride)
    count, each = len(middles), len(anchors)
    return (
        torch.full((count * each, 1), float(stride), dtype=x.dtype, device=x.device),
        middles[:, None].expand(count, each, 2).reshape(-1, 2),
        (anchors * stride).repeat(count, 1),
    )


class Head(nn.Module):
    """
    A 1x1 convolution for each map, and what turns their outputs into boxes and scores.

    Shape   three maps (N, C, H, W) of C = `widths` -> Detections.
    """

    def __init__(self, widths: Sequence[int], classes: int) -> None:
        super().__init__()
        outputs = len(ANCHORS[0]) * (5 + classes)
        self.m = nn.ModuleList(nn.Conv2d(width, outputs, 1) for width in widths)
        self.decode = Decode()

    def forward(self, maps: Sequence[Tensor]) -> Detections:
        """Three maps, the finest first -> Detections."""
        said = [conv(one) for conv, one in zip(self.m, maps, strict=True)]
        found: Detections = self.decode(said)
        return found


class YOLOv5(Yolo):
    """
    YOLOv5s 6.0, from its published figures; width 0.5 is YOLOv5n.

    Shape   x (N, 3, H, W) -> Detections: boxes (N, 3 M, 4), scores (N, 3 M, num_classes), M the
            pixels of the three maps together: 8,400 at 640 x 640.
    Cost    Width 1.0, 80 classes: 7,235,389 parameters, and 7,225,885 with each BatchNorm folded,
            as both are published. Width 0.5: 1,872,157. With coord 7,261,037; 7,051,955 folded
            and with 6 classes.
    Source  Jocher et al., YOLOv5 6.0 (ultralytics/yolov5): numbers of channels, repeats and
            anchors. `coord` is where a widely copied listing for it (yolov5s_CA.yaml, 6 classes)
            has it, between the last C3 and the SPPF; that listing prints 7,051,955 parameters, and
            the README of EMA 7.26M. Other gates go to the same place: cbam 7,268,801 (7.27M there).
    """

    NUMBERS: ClassVar[Mapping[str, int]] = MappingProxyType(
        {
            "pool": 9,
            "neck.reduce5": 10,
            "neck.up4": 13,
            "neck.reduce4": 14,
            "neck.up3": 17,
            "neck.halve3": 18,
            "neck.down4": 20,
            "neck.halve4": 21,
            "neck.down5": 23,
            "head": 24,
            "head.decode": 24,
        }
    )

    def __init__(self, attention: Attention, *, width: float, num_classes: int) -> None:
        width = width / 2  # of the family's own multiplier, which is 0.5 for s
        stem = conv_silu(3, scaled(WIDTHS[0], width), 6, stride=2, padding=2)
        super().__init__(
            stem,
            width=width,
            repeats=(1, 2, 3, 1),
            unit=C3,
            reduces=True,
            attention=attention,
        )
        self.head = Head([scaled(base, width) for base in WIDTHS[2:]], num_classes)
