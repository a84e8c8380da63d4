"""Large separable kernel attention."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor, nn

from attnbench_models.checks import at_least_one
from attnbench_models.errors import ModelError
from attnbench_models.layout import Layout

# the kernel that it stands for: the near kernel, the far kernel and the far one's dilation
KERNELS: Mapping[int, tuple[int, int, int]] = MappingProxyType(
    {
        7: (3, 3, 2),
        11: (3, 5, 2),
        23: (5, 7, 3),
        35: (5, 11, 3),
        41: (5, 13, 3),
        53: (5, 17, 3),
    }
)


class LargeSeparableKernelAttention(nn.Module):
    """
    Multiply every element by a large convolution around it, cut into rows and columns.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W.
    Math    y = x * W far_v(far_h(near_v(near_h(x)))): convolutions of each channel alone, 1 x a and
            a x 1, then 1 x b and b x 1 dilated by d, and a 1x1 over all channels, with biases.
    Cost    C C + 29 C parameters and (C C + 24 C) H W multiply-accumulates.
            That is for kernel 23; a and b of another change 29 to 5 + 2 a + 2 b, 24 to 2 a + 2 b.
    Source  Lau, Po, Rehman, Expert Systems with Applications 2024, arXiv:2309.01439, Figure 2d,
            as in the authors' VAN. What it multiplies by is no sigmoid: it can
            be of any size and sign. Their class has no default kernel; 23 is the nearest to the
            21 of the network that it was made for.
    Export  Convolutions alone. Nothing bounds the product, so errors can grow from block to block.
    """

    LAYOUTS = (
        Layout(
            "StevenLauHKHK/Large-Separable-Kernel-Attention",
            {
                "near_h": "conv0h",
                "near_v": "conv0v",
                "far_h": "conv_spatial_h",
                "far_v": "conv_spatial_v",
                "mix": "conv1",
            },
        ),
    )

    def __init__(self, channels: int, *, kernel: int = 23) -> None:
        super().__init__()
        if at_least_one("kernel", kernel) not in KERNELS:
            choices = ", ".join(map(str, KERNELS))
            raise ModelError(f"kernel must be one of {choices}, not {kernel}")
        near, far, dilation = KERNELS[kernel]
        self.near_h = _along(channels, (1, near))
        self.near_v = _along(channels, (near, 1))
        self.far_h = _along(channels, (1, far), dilation)
        self.far_v = _along(channels, (far, 1), dilation)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        around: Tensor = self.mix(self.far_v(self.far_h(self.near_v(self.near_h(x)))))
        return x * around


def _along(channels: int, kernel: tuple[int, int], dilation: int = 1) -> nn.Conv2d:
    """Each channel by itself, along one axis, keeping its size."""
    height, width = (dilation * (size // 2) for size in kernel)
    return nn.Conv2d(
        channels, channels, kernel, padding=(height, width), dilation=dilation, groups=channels
    )
