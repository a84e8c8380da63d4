"""The unit of MobileNetV3 and EfficientNet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from attnbench_models.backbones.layers import conv_norm


@dataclass(frozen=True, slots=True)
class Shape:
    """Channels in, expanded and out, kernel and stride of one unit."""

    inputs: int
    hidden: int
    outputs: int
    kernel: int
    stride: int


class MBConv(nn.Module):
    """
    Expand, filter each channel, gate, project; the input is added where the shape allows.

    Shape   x (N, inputs, H, W) -> (N, outputs, H / stride, W / stride), rounded up.
    Math    y = project(attention(depthwise(expand(x)))), + x if stride 1 and inputs = outputs;
            expand is absent where hidden = inputs, attention where it is None. With
            `gates_linear` the depthwise activation comes after the attention, not before.
    Source  Tan and Le, ICML 2019, arXiv:1905.11946, section 4; Howard et al., ICCV 2019,
            arXiv:1905.02244, Figure 4.
    """

    def __init__(
        self,
        shape: Shape,
        *,
        activation: Callable[[], nn.Module],
        attention: nn.Module | None,
        gates_linear: bool = False,
    ) -> None:
        super().__init__()
        hidden = shape.hidden
        self.adds = shape.stride == 1 and shape.inputs == shape.outputs
        self.expand = (
            conv_norm(shape.inputs, hidden, 1, activation=activation)
            if hidden != shape.inputs
            else None
        )
        self.depthwise = conv_norm(
            hidden,
            hidden,
            shape.kernel,
            stride=shape.stride,
            groups=hidden,
            activation=None if gates_linear else activation,
        )
        self.attention = attention
        self.act = activation() if gates_linear else None
        self.project = conv_norm(hidden, shape.outputs, 1, activation=None)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        y: Tensor = x if self.expand is None else self.expand(x)
        y = self.depthwise(y)
        if self.attention is not None:
            y = self.attention(y)
        if self.act is not None:
            y = self.act(y)
        y = self.project(y)
        return x + y if self.adds else y
