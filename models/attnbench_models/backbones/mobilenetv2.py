"""MobileNetV2, with a place for attention in its inverted residuals."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from torch import Tensor, nn

Attention = Callable[[int], nn.Module]

# expansion, output channels, repeats, first stride: Table 2 of the paper
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """
    Expand, filter each channel, gate, project; the input is added where the shape allows.

    Shape   x (N, inputs, H, W) -> (N, outputs, H / stride, W / stride), rounded up.
    Math    y = project(attention(depthwise(expand(x)))), + x if stride 1 and inputs = outputs;
            expand is absent at expansion 1, attention where none is given.
    Source  Sandler et al., CVPR 2018, arXiv:1801.04381, Table 1 and Figure 4d; attention on the
            expanded channels, after the depthwise activation and before the projection, as in the
            authors' MobileNetV2 of arXiv:2103.02907.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        stride: int,
        expansion: int,
        attention: Attention | None = None,
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        self.expand = conv_norm(inputs, hidden, 1) if expansion > 1 else None
        self.depthwise = conv_norm(hidden, hidden, 3, stride=stride, groups=hidden)
        self.attention = attention(hidden) if attention is not None else None
        self.project = conv_norm(hidden, outputs, 1, linear=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        y: Tensor = x if self.expand is None else self.expand(x)
        y = self.depthwise(y)
        if self.attention is not None:
            y = self.attention(y)
        y = self.project(y)
        return x + y if self.adds else y


class Head(nn.Module):
    """
    The last 1x1 convolution, the mean over all pixels and the linear classifier.

    Shape   x (N, inputs, H, W) -> logits (N, classes).
    Source  arXiv:1801.04381, Table 2, last three rows.
    """

    def __init__(self, inputs: int, hidden: int, classes: int, *, dropout: float) -> None:
        super().__init__()
        self.mix = conv_norm(inputs, hidden, 1)
        self.dropout = nn.Dropout(dropout) if dropout > 0 else None
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, classes)."""
        pooled = self.mix(x).mean(dim=(2, 3))
        if self.dropout is not None:
            pooled = self.dropout(pooled)
        logits: Tensor = self.classifier(pooled)
        return logits


class MobileNetV2(nn.Module):
    """
    MobileNetV2 for any attention that maps (N, C, H, W) to itself.

    Shape   x (N, 3, H, W) -> logits (N, num_classes).
    Cost    Width 1.0, 1000 classes: 3,504,872 parameters; 300,774,272 multiply-accumulates at
            224 x 224. With coord 3,950,648 and 306,666,368.
    Source  Sandler et al., CVPR 2018, arXiv:1801.04381, Table 2; channel rounding, initial weights
            and, with attention, the dropout of 0.1 as in the code of arXiv:2103.02907. Sixteen of
            the 17 inverted residuals have the attention: the first, which does not expand, has
            none. Where `nam` goes is our choice (its authors have no MobileNet): the same place,
            3,519,080 parameters.
    """

    # What each block is in this backbone. The coordinate attention paper's comparison sizes all
    # of its rivals alike: parameter counts match its published 3.89M, 3.89M and 3.95M.
    OPTIONS: Mapping[str, Mapping[str, int | str]] = MappingProxyType(
        {
            "se": {"reduction": 24, "activation": "relu6"},
            "cbam": {"reduction": 24},
            "coord": {"reduction": 32},
            "nam": {},
        }
    )

    def __init__(
        self, attention: Attention | None = None, *, width: float = 1.0, num_classes: int = 1000
    ) -> None:
        super().__init__()
        channels = rounded(32 * width)
        self.stem = conv_norm(3, channels, 3, stride=2)
        self.features = nn.Sequential(*_residuals(channels, width, attention))
        self.head = Head(
            rounded(320 * width),
            rounded(1280 * max(1.0, width)),
            num_classes,
            dropout=0.0 if attention is None else 0.1,
        )
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, num_classes)."""
        logits: Tensor = self.head(self.features(self.stem(x)))
        return logits

    def block_paths(self) -> Iterator[tuple[str, str]]:
        """The paths that latency and cost are told by, in forward order, each with its kind."""
        yield "stem", "backbone"
        for name, residual in self.features.named_children():
            yield f"features.{name}", "backbone"
            if getattr(residual, "attention", None) is not None:
                yield f"features.{name}.attention", "attention"
        yield "head", "backbone"


def _residuals(
    channels: int, width: float, attention: Attention | None
) -> Iterator[InvertedResidual]:
    for expansion, base, repeats, first_stride in STAGES:
        outputs = rounded(base * width)
        for repeat in range(repeats):
            yield InvertedResidual(
                channels,
                outputs,
                stride=first_stride if repeat == 0 else 1,
                expansion=expansion,
                attention=attention if expansion > 1 else None,
            )
            channels = outputs


def conv_norm(
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    linear: bool = False,
) -> nn.Sequential:
    """A convolution without bias, BatchNorm and, unless linear, ReLU6; same size at stride 1."""
    conv = nn.Conv2d(
        inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False
    )
    parts: list[tuple[str, nn.Module]] = [("conv", conv), ("norm", nn.BatchNorm2d(outputs))]
    if not linear:
        parts.append(("act", nn.ReLU6()))
    return nn.Sequential(OrderedDict(parts))


def rounded(channels: float) -> int:
    """The nearest multiple of 8, at least 8, and never more than 10 % below what was asked for."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8


def initialise(module: nn.Module) -> None:
    """
    Draw one module's initial weights as the authors do, attention's convolutions included.

    Convolutions N(0, 2 / (k k outputs)) in variance, linear layers N(0, 0.01) in deviation, biases
    0, BatchNorm 1 and 0. Anything else keeps what it has.
    """
    if isinstance(module, nn.Conv2d):
        fan_out = math.prod(module.kernel_size) * module.out_channels
        nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
    elif isinstance(module, nn.BatchNorm2d) and module.affine:
        nn.init.ones_(module.weight)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)
