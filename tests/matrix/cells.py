"""Which models are exported to everything: every block at home, every backbone with its block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attnbench.backends import FORMATS
from attnbench_models import Recipe
from attnbench_models.backbones import BACKBONES, blocks_for
from attnbench_models.blocks import BLOCKS
from attnbench_models.catalogue import BackboneEntry

HOMES = ("mobilenetv2", "resnet18", "seaformer-t", "mobilenext", "resnet50")
"""A block is at home in the first of these that takes it, unless its authors say otherwise."""

AUTHORS = {
    "bam": "resnet18",
    "cbam": "resnet18",
    "nam": "resnet18",
    "sea": "seaformer-t",
}
"""The blocks whose authors have a backbone other than the first that takes them."""

PAPERS = {
    "mobilenetv2": "coord",
    "mobilenext": "coord",
    "efficientnet-b0": "coord",
    "resnet50": "se",
    "resnext50": "iaff",
    "yolov5s": "coord",
    "yolov8n": "sea",
    "inception-v3": "se",
}
"""The block that a paper puts into a backbone that has none of its own, or another one."""

SMALL = (64, 64)
SIZES = {"inception-v3": (96, 96)}
"""Side lengths in pixels where 64 is too small for a backbone."""
DENSE = (128, 128)

REFUSED: dict[tuple[str, str, str], str] = {}
"""(backbone, block, backend) -> what the converter says, for a pair that cannot work. None yet."""


@dataclass(frozen=True, order=True)
class Cell:
    """One model in one format."""

    backbone: str
    block: str
    backend: str

    @property
    def name(self) -> str:
        return f"{self.backbone}-{self.block}-{self.backend}"

    @property
    def recipe(self) -> Recipe:
        entry = BACKBONES[self.backbone]
        return Recipe(self.backbone, self.block, size=_size(self.backbone, entry))

    @property
    def reason(self) -> str | None:
        """Why the converter refuses it, if that is known."""
        return REFUSED.get((self.backbone, self.block, self.backend))


def _size(name: str, entry: BackboneEntry) -> tuple[int, int]:
    return SIZES.get(name, SMALL if entry.task == "classification" else DENSE)


def home(block: str) -> str:
    """The backbone that a block is tested in."""
    takers = [name for name in (*HOMES, *BACKBONES) if name in BACKBONES]
    return next(
        name
        for name in ([AUTHORS[block]] if AUTHORS.get(block) in BACKBONES else []) + takers
        if block in blocks_for(name)
    )


def _pairs() -> Iterator[tuple[str, str]]:
    listed = {(home(block), block) for block in BLOCKS}
    for name, entry in BACKBONES.items():
        papers = PAPERS.get(name, entry.native)
        listed |= {(name, entry.native), (name, papers if papers in BLOCKS else "none")}
    return iter(sorted(listed))


PAIRS = tuple(_pairs())
"""Backbone and block: every block at home, every backbone natively and with its paper's."""

CELLS = tuple(Cell(*pair, backend) for pair in PAIRS for backend in FORMATS)
