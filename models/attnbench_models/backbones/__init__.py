"""The backbones by name. Importing this table does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attnbench_models.blocks import BLOCKS
from attnbench_models.catalogue import BackboneEntry


def _seaformer(variant: str) -> BackboneEntry:
    return BackboneEntry(
        "attnbench_models.backbones.seaformer.classification:SeaFormer",
        f"SeaFormer-{variant.upper()}: sea in its last stages; gates go into its convolutions",
        takes=("gate", "residual"),
        native="sea",
        arguments={"variant": variant},
    )


_OUTPUTS = {"seg": "labels", "seg-logits": "logits", "seg-coarse": "coarse"}
_ENDS = {
    "labels": "with its light head, and a label for every pixel",
    "logits": "with its light head, and logits for every pixel: no argmax",
    "coarse": "with its light head, and logits at an eighth of the size: no resize, no argmax",
}


def _segmentation(variant: str, output: str) -> BackboneEntry:
    return BackboneEntry(
        "attnbench_models.backbones.seaformer.segmentation:SeaFormerSegmentation",
        f"SeaFormer-{variant.upper()} {_ENDS[output]}",
        takes=("gate", "residual"),
        native="sea",
        size=(512, 512),
        classes=150,
        task="segmentation",
        arguments={"variant": variant, "output": output},
        unverified="the authors' code and configuration, but their counts are rounded to 0.1M",
    )


BACKBONES: Mapping[str, BackboneEntry] = MappingProxyType(
    {
        "mobilenetv2": BackboneEntry(
            "attnbench_models.backbones.mobilenetv2:MobileNetV2",
            "MobileNetV2: 17 inverted residuals, attention in 16 of them; none of its own",
            takes=("gate", "residual"),
            scales=True,
        ),
        "mobilenext": BackboneEntry(
            "attnbench_models.backbones.mobilenext:MobileNeXt",
            "MobileNeXt: 20 sandglasses, attention in 19 of them; none of its own",
            takes=("gate", "residual"),
            scales=True,
        ),
        "mobilenetv3-small": BackboneEntry(
            "attnbench_models.backbones.mobilenetv3:MobileNetV3",
            "MobileNetV3-Small: 11 inverted residuals, se in 9 of them",
            takes=("gate", "residual"),
            native="se",
            scales=True,
            arguments={"variant": "small"},
        ),
        "mobilenetv3-large": BackboneEntry(
            "attnbench_models.backbones.mobilenetv3:MobileNetV3",
            "MobileNetV3-Large: 15 inverted residuals, se in 8 of them",
            takes=("gate", "residual"),
            native="se",
            scales=True,
            arguments={"variant": "large"},
        ),
        "efficientnet-b0": BackboneEntry(
            "attnbench_models.backbones.efficientnet:EfficientNet",
            "EfficientNet-B0: 16 inverted residuals with SiLU, se in all of them",
            takes=("gate", "residual"),
            native="se",
        ),
        "shufflenetv2": BackboneEntry(
            "attnbench_models.backbones.shufflenetv2:ShuffleNetV2",
            "ShuffleNetV2, widths 0.5, 1, 1.5 and 2: attention in all 16 units; none of its own",
            takes=("gate", "residual"),
            scales=True,
        ),
        "inception-v3": BackboneEntry(
            "attnbench_models.backbones.inception:InceptionV3",
            "Inception-v3: 11 modules, attention after each of them; none of its own",
            takes=("gate", "residual"),
            size=(299, 299),
            unverified="with se: its paper has se in BN-Inception, and publishes no Inception-v3",
        ),
        "yolov5s": BackboneEntry(
            "attnbench_models.backbones.yolov5:YOLOv5",
            "YOLOv5s 6.0: boxes and scores; attention before its pyramid pool",
            takes=("gate", "residual"),
            size=(640, 640),
            classes=80,
            task="detection",
            scales=True,
        ),
        "yolov8n": BackboneEntry(
            "attnbench_models.backbones.yolov8:YOLOv8",
            "YOLOv8n: boxes and scores; attention before its pyramid pool",
            takes=("gate", "residual"),
            size=(640, 640),
            classes=80,
            task="detection",
            scales=True,
            unverified="the published count holds without attention; with sea nobody prints one",
        ),
        **{f"seaformer-{v}": _seaformer(v) for v in "tsbl"},
        **{
            f"seaformer-{v}-{name}": _segmentation(v, output)
            for v in "tsbl"
            for name, output in _OUTPUTS.items()
        },
    }
)


def blocks_for(backbone: str) -> tuple[str, ...]:
    """The registered blocks that a registered backbone has places for."""
    takes = BACKBONES[backbone].takes
    return tuple(name for name, block in BLOCKS.items() if name == "none" or block.kind in takes)
