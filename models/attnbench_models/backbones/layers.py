"""What several backbones are made of."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable

from torch import nn


def conv_norm(
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    activation: Callable[[], nn.Module] | None = nn.ReLU6,
) -> nn.Sequential:
    """A convolution without bias, BatchNorm and, unless None, activation; same size at stride 1."""
    conv = nn.Conv2d(
        inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False
    )
    parts: list[tuple[str, nn.Module]] = [("conv", conv), ("norm", nn.BatchNorm2d(outputs))]
    if activation is not None:
        parts.append(("act", activation()))
    return nn.Sequential(OrderedDict(parts))


def rounded(channels: float, to: int = 8) -> int:
    """The nearest multiple of `to`, at least one, never more than 10 % below what was asked for."""
    nearest = max(to, int(channels + to / 2) // to * to)
    return nearest if nearest >= 0.9 * channels else nearest + to


def initialise(module: nn.Module) -> None:
    """
    Draw one module's initial weights as MobileNetV2's authors do, attention's included.

    Convolutions N(0, 2 / (k k outputs)) in variance, linear layers N(0, 0.01) in deviation, biases
    0, BatchNorm 1 and 0. Anything else keeps what it has. The outputs are all of the convolution's,
    in groups as well, which shrinks a depthwise result: those are for a BatchNorm to repair. One
    with a bias has none behind it, and counts the outputs of its group.
    """
    if isinstance(module, nn.Conv2d):
        outputs = module.out_channels // (1 if module.bias is None else module.groups)
        fan_out = math.prod(module.kernel_size) * outputs
        nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
    elif isinstance(module, nn.BatchNorm2d) and module.affine:
        nn.init.ones_(module.weight)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)
