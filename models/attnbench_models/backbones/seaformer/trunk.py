"""Everything of SeaFormer before its head."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from torch import Tensor, nn

from attnbench_models.backbones.layers import conv_norm
from attnbench_models.backbones.mobilenetv2 import InvertedResidual
from attnbench_models.backbones.seaformer.variants import VARIANTS, Stage, Variant
from attnbench_models.layout import Layout, inside, layouts_of
from attnbench_models.places import Attention, Home, Place
from attnbench_models.recipe import Option


def _sea_options(place: Place) -> Mapping[str, Option]:
    """Heads and key width: a stage's number and channels tell them in every variant."""
    return next(
        {"heads": variant.heads, "key_dim": stage.mixing.key_dim}
        for variant in VARIANTS.values()
        for number, stage in enumerate(variant.stages)
        if stage.mixing is not None and (number, stage.channels) == (place.stage, place.channels)
    )


HOMES: Mapping[str, Home] = MappingProxyType(
    {
        "gate": Home("expanded"),
        "residual": Home("mixer"),
        "sea": Home("mixer", _sea_options),
    }
)


def mlp(channels: int, expansion: int) -> nn.Sequential:
    """Expand, filter each channel (with a bias, without BatchNorm, as the authors do), project."""
    hidden = expansion * channels
    return nn.Sequential(
        OrderedDict(
            expand=conv_norm(channels, hidden, 1, activation=None),
            filter=nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden),
            act=nn.ReLU6(),
            project=conv_norm(hidden, channels, 1, activation=None),
        )
    )


class Mixer(nn.Module):
    """
    Attention, which adds to its input by itself, and an MLP that is added.

    Shape   x (N, C, H, W) -> (N, C, H, W).
    Math    z = attention(x), or x where there is none; y = z + mlp(z).
    """

    def __init__(self, channels: int, expansion: int, stage: int, attention: Attention) -> None:
        super().__init__()
        self.attention = attention(Place("mixer", channels, channels, stage))
        self.mlp = mlp(channels, expansion)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        mixed: Tensor = x if self.attention is None else self.attention(x)
        added: Tensor = self.mlp(mixed)
        return mixed + added


class Trunk(nn.Module):
    """
    A stem and five stages of inverted residuals, the last of them with mixers.

    Shape   x (N, 3, H, W) -> a map for every stage, at strides 4, 8, 16, 32, 64, rounded up.
    """

    def __init__(self, variant: Variant, attention: Attention) -> None:
        super().__init__()
        self.stem = conv_norm(3, variant.stem, 3, stride=2, activation=nn.ReLU)
        self.stages = nn.ModuleList()
        channels = variant.stem
        for number, stage in enumerate(variant.stages):
            self.stages.append(_stage(channels, stage, number, attention))
            channels = stage.channels

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W) -> one map for every stage."""
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def block_paths(self) -> Iterator[tuple[str, str]]:
        """In forward order; paths begin at the trunk."""
        yield "stem", "backbone"
        for path, unit in self.units():
            yield path, "backbone"
            if unit.attention is not None:
                yield f"{path}.attention", "attention"

    def units(self) -> Iterator[tuple[str, InvertedResidual | Mixer]]:
        """Every inverted residual and every mixer with its path, in forward order."""
        for path, module in self.named_modules():
            if isinstance(module, InvertedResidual | Mixer):
                yield path, module

    def renames(self) -> Iterator[dict[str, str]]:
        """Our prefixes to those of the authors, for every way to name the attention's parts."""
        block = next((u.attention for _, u in self.units() if u.attention is not None), None)
        return (self._renames(inner) for inner in layouts_of(block))

    def _renames(self, inner: Layout) -> dict[str, str]:
        renames = {"stem.conv": "smb1.stem_block.0.c", "stem.norm": "smb1.stem_block.0.bn"}
        mixed = [path.split(".")[1] for path, unit in self.units() if isinstance(unit, Mixer)]
        for path, unit in self.units():
            _, stage, _, at = path.split(".")
            if isinstance(unit, Mixer):
                theirs = f"trans{int(stage) - int(mixed[0]) + 1}.transformer_blocks.{at}"
                parts = MIXER | inside("attention", "attn", inner)
            else:
                theirs, parts = f"smb{int(stage) + 1}.layer{int(at) + 1}", _of_residual(unit)
            renames |= {f"{path}.{ours}": f"{theirs}.{name}" for ours, name in parts.items()}
        return renames


MIXER = {
    "mlp.expand.conv": "mlp.fc1.c",
    "mlp.expand.norm": "mlp.fc1.bn",
    "mlp.filter": "mlp.dwconv",
    "mlp.project.conv": "mlp.fc2.c",
    "mlp.project.norm": "mlp.fc2.bn",
}


def _of_residual(unit: InvertedResidual) -> dict[str, str]:
    """Theirs is a sequence in which activations have numbers too."""
    parts = [name for name in ("expand", "depthwise", "project") if getattr(unit, name) is not None]
    return {
        f"{part}.{ours}": f"conv.{2 * at}.{theirs}"
        for at, part in enumerate(parts)
        for ours, theirs in (("conv", "c"), ("norm", "bn"))
    }


def _stage(channels: int, stage: Stage, number: int, attention: Attention) -> nn.Sequential:
    residuals, mixers = nn.Sequential(), nn.Sequential()
    for kernel, expansion, outputs, stride in stage.convolutions:
        residuals.append(
            InvertedResidual(
                channels,
                outputs,
                stride=stride,
                expansion=expansion,
                stage=number,
                kernel=kernel,
                activation=nn.ReLU,
                attention=attention,
            )
        )
        channels = outputs
    if stage.mixing is None:
        return nn.Sequential(OrderedDict(residuals=residuals))
    for _ in range(stage.mixing.repeats):
        mixers.append(Mixer(channels, stage.mixing.expansion, number, attention))
    return nn.Sequential(OrderedDict(residuals=residuals, mixers=mixers))
