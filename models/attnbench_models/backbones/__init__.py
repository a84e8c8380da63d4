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


_RESNETS = {
    "resnet18": "ResNet-18: gates in its 8 residuals, fusions in place of their sums",
    "resnet50": "ResNet-50 v1.5: gates in its 16 residuals, fusions in the last 9 sums",
    "resnet101": "ResNet-101 v1.5: gates in its 33 residuals, fusions in the last 26 sums",
    "resnext50": "ResNeXt-50 32x4d: gates in its 16 residuals, fusions in the last 9 sums",
    "resnet50-d": "ResNet-50 with a deep stem and pooling shortcuts, as aff's authors have it",
    "resnext50-d": "ResNeXt-50 with a deep stem and pooling shortcuts, as aff's authors have it",
    "resnet50-fused": "ResNet-50 with a fusion in all 16 sums, as in the port of aff to PyTorch",
    "resnext50-fused": "ResNeXt-50 with a fusion in all 16 sums, as in the port of aff to PyTorch",
}


def _resnet(name: str) -> BackboneEntry:
    fused = name == "resnet18" or name.endswith("-fused")
    return BackboneEntry(
        f"attnbench_models.backbones.resnet:{'FusedResNet' if fused else 'ResNet'}",
        _RESNETS[name],
        takes=("gate", "residual", "fusion"),
        native="aff" if name.endswith("-fused") else "none",
        arguments={"variant": name.removesuffix("-fused")},
    )


BACKBONES: Mapping[str, BackboneEntry] = MappingProxyType(
    {
        "mobilenetv2": BackboneEntry(
            "attnbench_models.backbones.mobilenetv2:MobileNetV2",
            "MobileNetV2: 17 inverted residuals, attention in 16 of them; none of its own",
            takes=("gate", "residual", "fusion"),
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
        **{name: _resnet(name) for name in _RESNETS},
        "resnet50-cifar": BackboneEntry(
            "attnbench_models.backbones.resnet:ResNet",
            "ResNet-50 for images of 32 x 32: a stem that keeps their size",
            takes=("gate", "residual", "fusion"),
            size=(32, 32),
            classes=100,
            arguments={"variant": "resnet50-cifar"},
        ),
        "resnet18-fpn": BackboneEntry(
            "attnbench_models.backbones.fpn:ResNetPyramid",
            "ResNet-18 with a feature pyramid that labels pixels: fusions in its 3 long skips",
            takes=("gate", "residual", "fusion"),
            classes=19,
            task="segmentation",
            arguments={"variant": "resnet18"},
            unverified="the width of the pyramid and the head are ours; nobody publishes a count",
        ),
        **{f"seaformer-{v}": _seaformer(v) for v in "tsbl"},
        **{
            f"seaformer-{v}-{name}": _segmentation(v, output)
            for v in "tsbl"
            for name, output in _OUTPUTS.items()
        },
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
    }
)


def blocks_for(backbone: str) -> tuple[str, ...]:
    """The registered blocks that a registered backbone has places for."""
    takes = BACKBONES[backbone].takes
    return tuple(name for name, block in BLOCKS.items() if name == "none" or block.kind in takes)
