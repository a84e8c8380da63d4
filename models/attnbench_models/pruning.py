"""Remove the channels that BatchNorm has switched off."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from attnbench_models.blocks.nam import NormalizationAttention
from attnbench_models.errors import ModelError


@dataclass(frozen=True, slots=True)
class Width:
    """
    Channels in the middle of a unit, which nothing outside of it reads.

    `makers` carry them, each a convolution, BatchNorm and activation (see `conv_norm`): the first
    mixes what comes in, others act on each channel alone. `attention` follows, and `reader`, again
    convolution and BatchNorm, mixes them.
    """

    makers: tuple[nn.Module, ...]
    attention: nn.Module | None
    reader: nn.Module


@runtime_checkable
class Prunable(Protocol):
    """A unit that can lose some of its inner channels."""

    def widths(self) -> Iterator[Width]:
        """Its inner channels, in forward order."""
        ...


@dataclass(frozen=True, slots=True)
class Pruned:
    """Which channels are gone: `removed`, of `channels`, of the unit's width number `width`."""

    path: str
    width: int
    channels: int
    removed: tuple[int, ...]


def sparsity_penalty(model: nn.Module, weight: float) -> Tensor:
    """
    `weight` times the sum of all BatchNorm scales' magnitudes, to be added to a training loss.

    Returns a scalar that is differentiable but where a scale is 0.
    Source  Liu, Shao, Teng, Hoffmann, 2021, arXiv:2111.12419, equation 4. As in the authors' code,
            where `weight` is 1e-4, every BatchNorm counts, the backbone's as well: those are what
            `prune_channels` goes by. ModelError if there is no BatchNorm to train.
    """
    scales = [
        module.weight.abs().sum()
        for module in model.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine
    ]
    if not scales:
        raise ModelError(f"{type(model).__name__} has no BatchNorm with a scale to penalise")
    return weight * torch.stack(scales).sum()


def prune_channels(model: nn.Module, threshold: float) -> tuple[Pruned, ...]:
    """
    Remove the inner channels whose BatchNorm scale is at most `threshold`; changes `model`.

    What is left computes what `model` in evaluation mode would with those channels' scales at
    exactly 0: with `threshold` 0 nothing but rounding changes. Such a channel is the same number
    everywhere, which moves into the BatchNorm of the convolution that reads it. It is kept
    although its scale is small where that number is not 0 and a kernel larger than one pixel reads
    it, since its zero padding would show; where attention other than `nam` would miss it; and
    where no other channel would be left. The shares of `nam` stay what they are.

    Returns what was removed, one entry a width. ModelError if the threshold is negative or the
    model has no channels of this kind.
    """
    if not threshold >= 0:
        raise ModelError(f"threshold must be 0 or more, not {threshold:g}")
    widths = [
        (path, number, width)
        for path, unit in model.named_modules()
        if isinstance(unit, Prunable)
        for number, width in enumerate(unit.widths())
    ]
    if not widths:
        raise ModelError(
            f"{type(model).__name__} has no channels that could be pruned",
            hint="MobileNetV2 and the ResNets have",
        )
    with torch.no_grad():
        found = [Pruned(path, number, *_prune(width, threshold)) for path, number, width in widths]
    return tuple(one for one in found if one.removed)


def _prune(width: Width, threshold: float) -> tuple[int, tuple[int, ...]]:
    """How many channels there were, and which of them have been removed."""
    values = _constants(width, threshold)
    if values is None:
        return 0, ()
    reader = _conv(width.reader)
    removable = ~values.isnan() & ((values == 0) | (reader.kernel_size == (1, 1)))
    if removable.all():
        removable[0] = False
    if isinstance(width.attention, NormalizationAttention):
        scales = width.attention.norm.weight.abs()
        if not scales[~removable].any():  # their shares would be 0 / 0
            removable[scales.argmax()] = False
    removed, kept = removable.nonzero().flatten(), (~removable).nonzero().flatten()
    if len(removed):
        _remove(width, values, removed, kept)
    return len(values), tuple(removed.tolist())


def _constants(width: Width, threshold: float) -> Tensor | None:
    """What each channel is everywhere, in float64, NaN where it varies; None: not to be told."""
    first, *others = (_conv(maker) for maker in width.makers)
    alone = all(conv.groups == conv.in_channels == conv.out_channels for conv in others)
    nam_or_nothing = width.attention is None or isinstance(width.attention, NormalizationAttention)
    if not (alone and nam_or_nothing and first.groups == _conv(width.reader).groups == 1):
        return None
    values = torch.full((first.out_channels,), torch.nan, dtype=torch.float64)
    for maker in width.makers:
        # Zero padding leaves only zeros the same everywhere.
        values = _normalised(_norm(maker), values.where(values == 0, torch.nan), threshold)
        values = _elementwise(maker.get_submodule("act"), values)
    return values if width.attention is None else _elementwise(width.attention, values)


def _normalised(norm: nn.BatchNorm2d, values: Tensor, threshold: float) -> Tensor:
    assert norm.running_mean is not None  # conv_norm makes none without statistics
    assert norm.running_var is not None
    gamma, beta = norm.weight.double(), norm.bias.double()
    mean, var = norm.running_mean.double(), norm.running_var.double()
    varying = (values - mean) / (var + norm.eps).sqrt() * gamma + beta
    return torch.where(gamma.abs() <= threshold, beta, varying)


def _elementwise(module: nn.Module, values: Tensor) -> Tensor:
    """What a module that treats elements, or channels, alone makes of each channel's number."""
    double = copy.deepcopy(module).double().eval()
    made: Tensor = double(values.nan_to_num()[None, :, None, None]).flatten()
    return made.where(~values.isnan(), torch.nan)


def _remove(width: Width, values: Tensor, removed: Tensor, kept: Tensor) -> None:
    reader, norm = _conv(width.reader), _norm(width.reader)
    assert norm.running_mean is not None
    lost = reader.weight[:, removed].double().sum((2, 3)) @ values[removed]
    norm.running_mean.copy_(norm.running_mean.double() - lost)
    reader.weight = nn.Parameter(reader.weight[:, kept].clone())
    reader.in_channels = len(kept)
    for maker in width.makers:
        conv = _conv(maker)
        conv.weight = nn.Parameter(conv.weight[kept].clone())
        conv.out_channels = len(kept)
        if conv.groups > 1:
            conv.in_channels = conv.groups = len(kept)
        _shrink(_norm(maker), kept)
    if isinstance(width.attention, NormalizationAttention):
        scale = width.attention.norm.weight.double().abs()
        share = scale[kept].sum() / scale.sum()
        _shrink(width.attention.norm, kept)
        # A share does not change when all scales do, so this undoes the smaller sum.
        for parameter in (width.attention.norm.weight, width.attention.norm.bias):
            parameter.copy_(parameter.double() * share)


def _shrink(norm: nn.BatchNorm2d, kept: Tensor) -> None:
    norm.num_features = len(kept)
    norm.weight = nn.Parameter(norm.weight[kept].clone())
    norm.bias = nn.Parameter(norm.bias[kept].clone())
    for name in ("running_mean", "running_var"):
        setattr(norm, name, getattr(norm, name)[kept].clone())


def _conv(unit: nn.Module) -> nn.Conv2d:
    conv = unit.get_submodule("conv")
    assert isinstance(conv, nn.Conv2d)
    return conv


def _norm(unit: nn.Module) -> nn.BatchNorm2d:
    norm = unit.get_submodule("norm")
    assert isinstance(norm, nn.BatchNorm2d)
    return norm
