"""Convolutions of one to three spatial dimensions."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from attnbench.mlprogram.operators.windows import Ints, for_torch, pads, spans

FORWARD = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def conv(
    *,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    strides: Ints | None = None,
    pad_type: str = "valid",
    pad: Ints = (),
    dilations: Ints | None = None,
    groups: int = 1,
) -> Tensor:
    """conv: convolution; weights (out, in / groups, *kernel)."""
    rank = x.dim() - 2
    strides, dilations = strides or (1,) * rank, dilations or (1,) * rank
    span = spans(weight.shape[2:], dilations)
    padded = F.pad(x, for_torch(pads(pad_type, pad, x.shape[2:], span, strides)))
    return FORWARD[rank](padded, weight, bias, strides, 0, dilations, groups)


def conv_transpose(
    *,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    pad: Ints = (),
    output_shape: Ints | None = None,
    pad_type: str = "valid",
    strides: Ints | None = None,
    dilations: Ints | None = None,
    groups: int = 1,
) -> Tensor:
    """conv_transpose: the gradient of a convolution; weights (in, out / groups, *kernel)."""
    rank = x.dim() - 2
    strides, dilations = strides or (1,) * rank, dilations or (1,) * rank
    whole = TRANSPOSED[rank](x, weight, None, strides, 0, 0, groups, dilations)
    sides = list(whole.shape[2:])
    cut = [(0, 0)] * rank
    if pad_type == "custom":
        cut = [(pad[2 * i], pad[2 * i + 1]) for i in range(rank)]
        wanted = [side - sum(pair) for side, pair in zip(sides, cut, strict=True)]
    elif pad_type == "same":
        wanted = [side * stride for side, stride in zip(x.shape[2:], strides, strict=True)]
        cut = [((side - to) // 2, 0) for side, to in zip(sides, wanted, strict=True)]
    else:
        wanted = sides
    wanted = list(output_shape[2:]) if output_shape else wanted
    kept = [
        (-before, before + to - side)
        for (before, _), to, side in zip(cut, wanted, sides, strict=True)
    ]
    made = F.pad(whole, for_torch(kept))
    return made if bias is None else made + bias.reshape(-1, *[1] * rank)
