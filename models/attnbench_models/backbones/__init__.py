"""The backbones by name. Importing this table does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attnbench_models.catalogue import Entry

BACKBONES: Mapping[str, Entry] = MappingProxyType(
    {
        "mobilenetv2": Entry(
            "attnbench_models.backbones.mobilenetv2:MobileNetV2",
            "MobileNetV2: 17 inverted residuals, attention in 16 of them; none of its own",
            blocks=("none", "se", "cbam", "coord", "nam"),
        ),
    }
)
