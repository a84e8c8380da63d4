"""How torchvision, and those who built on it, name the weights of a ResNet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from attnbench_models.layout import OWN, Layout, inside

PLACES: Mapping[str, str] = MappingProxyType(
    {
        "BangguWu/ECANet": "eca",
        "Christian-lyc/NAM": "nam",
        "Jongchan/attention-module": "cbam",
        "YimianDai/open-aff": "fuse_mode",
        "landskape-ai/triplet-attention": "triplet_attention",
        "moskomule/senet.pytorch": "se",
        "timm": "se",
    }
)
"""Whose code calls the block in a residual what. After a stage it is always BAM, by number."""

PLAIN = {"stem.0.conv": "conv1", "stem.0.norm": "bn1"}
DEEP = {
    "stem.0.conv": "conv1.0",
    "stem.0.norm": "conv1.1",
    "stem.1.conv": "conv1.3",
    "stem.1.norm": "conv1.4",
    "stem.2.conv": "conv1.6",
    "stem.2.norm": "bn1",
}


def resnet_layouts(
    paths: Iterable[tuple[str, str]], block: tuple[Layout, ...], *, deep: bool
) -> tuple[Layout, ...]:
    """
    One layout for each of the block's that a known ResNet has, and torchvision's without it.

    `paths` are the model's block paths, `deep` is whether its stem has three convolutions.
    """
    kinds = dict(paths)
    trunk = {**(DEEP if deep else PLAIN), "head.linear": "fc"}
    for path, kind in kinds.items():
        if kind == "backbone" and path.startswith("stages."):
            trunk |= dict(_residual(path))
    found = [Layout("torchvision", trunk)]
    for inner in block:
        place = PLACES.get(inner.name.split()[0])
        if inner is not OWN and place is not None:
            renames = dict(trunk)
            for path, kind in kinds.items():
                if kind == "attention":
                    renames |= inside(path, _their_path(path, place), inner)
            found.append(Layout(inner.name, renames))
    return tuple(found)


def _residual(path: str) -> Iterator[tuple[str, str]]:
    theirs = _their_path(path)
    for at in range(3):
        yield f"{path}.body.{at}.conv", f"{theirs}.conv{at + 1}"
        yield f"{path}.body.{at}.norm", f"{theirs}.bn{at + 1}"
    for ours, number in (("", 0), (".1", 1)):  # in the second form a pool comes first
        yield f"{path}.shortcut{ours}.conv", f"{theirs}.downsample.{number}"
        yield f"{path}.shortcut{ours}.norm", f"{theirs}.downsample.{number + 1}"


def _their_path(path: str, place: str = "") -> str:
    """`stages.0.1` is layer1.1, what is in it is layer1.1.PLACE; `stages.0.after` is bam1."""
    _, stage, part, *inner = path.split(".")
    if not part.isdigit():
        return f"bam{int(stage) + 1}"
    return ".".join([f"layer{int(stage) + 1}", part, *([place] if inner else [])])
