"""The backbones by name. Importing this table does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attnbench_models.blocks import BLOCKS
from attnbench_models.catalogue import BackboneEntry

BACKBONES: Mapping[str, BackboneEntry] = MappingProxyType(
    {
        "mobilenetv2": BackboneEntry(
            "attnbench_models.backbones.mobilenetv2:MobileNetV2",
            "MobileNetV2: 17 inverted residuals, attention in 16 of them; none of its own",
            takes=("gate", "residual"),
            scales=True,
        ),
    }
)


def blocks_for(backbone: str) -> tuple[str, ...]:
    """The registered blocks that a registered backbone has places for."""
    takes = BACKBONES[backbone].takes
    return tuple(name for name, block in BLOCKS.items() if name == "none" or block.kind in takes)
