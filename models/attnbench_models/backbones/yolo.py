"""The frame that YOLOv5 and YOLOv8 share: stages with places for attention, a neck, a head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from torch import Tensor, nn

from attnbench_models.backbones.base import Backbone
from attnbench_models.backbones.yolo_layers import (
    Detections,
    Neck,
    PyramidPool,
    Stage,
    Unit,
    scaled,
)
from attnbench_models.layout import Layout, inside, layouts_of
from attnbench_models.places import Attention, Home, Place

WIDTHS = (64, 128, 256, 512, 1024)  # of the stem and the four stages, at width 1


def last_stage(place: Place) -> bool:
    """The stage before the pyramid pool."""
    return place.stage == 3


class Yolo(Backbone):
    """
    A detector of boxes on three maps.

    Shape   x (N, 3, H, W) -> Detections; H and W are multiples of 32 in the published models.
    """

    # A widely copied listing for coordinate attention in YOLOv5 has it between the last stage and
    # the pyramid pool. No block's authors have a detector of this family.
    HOMES: ClassVar[Mapping[str, Home]] = MappingProxyType(
        {
            "gate": Home("stage", where=last_stage),
            "residual": Home("stage", where=last_stage),
        }
    )
    NUMBERS: ClassVar[Mapping[str, int]]
    """Our parts behind the pyramid pool -> their numbers, in a model without attention."""

    def __init__(
        self,
        stem: nn.Module,
        *,
        width: float,
        repeats: tuple[int, int, int, int],
        unit: Unit,
        reduces: bool,
        attention: Attention,
    ) -> None:
        super().__init__()
        widths = [scaled(base, width) for base in WIDTHS]
        self.stem = stem
        self.stages = nn.ModuleList(
            Stage(inputs, outputs, count, unit=unit, stage=stage, attention=attention)
            for stage, (inputs, outputs, count) in enumerate(
                zip(widths, widths[1:], repeats, strict=False)
            )
        )
        self.pool = PyramidPool(widths[-1])
        self.neck = Neck(widths[2:], unit=unit, reduces=reduces)
        self.head: nn.Module

    def forward(self, x: Tensor) -> Detections:
        """(N, 3, H, W) -> Detections."""
        maps = [self.stem(x)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        found: Detections = self.head(self.neck(*maps[2:4], self.pool(maps[4])))
        return found

    def block_paths(self) -> Iterator[tuple[str, str]]:
        """The paths that latency and cost are told by, in forward order, each with its kind."""
        yield "stem", "backbone"
        for name, stage in self.stages.named_children():
            yield f"stages.{name}", "backbone"
            if stage.attention is not None:
                yield f"stages.{name}.attention", "attention"
        yield "pool", "backbone"
        yield "neck", "backbone"
        for name, part in self.neck.named_children():
            if not isinstance(part, nn.Identity):
                yield f"neck.{name}", "backbone"
        yield "head", "backbone"
        yield "head.decode", "backbone"

    def layouts(self) -> tuple[Layout, ...]:
        """As Ultralytics number the parts of the model; attention takes a number of its own."""
        blocks = [stage.attention for stage in self.stages if isinstance(stage, Stage)]
        found = next((block for block in blocks if block is not None), None)
        return tuple(Layout("ultralytics", self._renames(inner)) for inner in layouts_of(found))

    def _renames(self, inner: Layout) -> dict[str, str]:
        renames, at = {"stem": "model.0"}, 1
        for name, stage in self.stages.named_children():
            ours = f"stages.{name}"
            renames |= {f"{ours}.down": f"model.{at}", f"{ours}.mix": f"model.{at + 1}"}
            at += 2
            if stage.attention is not None:
                renames |= inside(f"{ours}.attention", f"model.{at}", inner)
                at += 1
        renames |= {ours: f"model.{number + at - 9}" for ours, number in self.NUMBERS.items()}
        return renames | self._norms(Layout("", renames))

    def _norms(self, layout: Layout) -> dict[str, str]:
        """They call every norm `bn`; attention has names of its own."""
        norms = (p for p, part in self.named_modules() if isinstance(part, nn.BatchNorm2d))
        return {
            path: f"{layout.theirs(path).removesuffix('.norm')}.bn"
            for path in norms
            if path.endswith(".norm") and ".attention." not in path
        }
