"""
Images of another size.

Everything is a grid of points along each axis; how the grid is laid is all that modes differ in.
"""

from __future__ import annotations

import torch
from torch import Tensor

ONE = torch.tensor(1)


def upsample_bilinear(
    *,
    x: Tensor,
    scale_factor_height: Tensor = ONE,
    scale_factor_width: Tensor = ONE,
    align_corners: bool = True,
    half_pixel_centers: bool | None = None,
) -> Tensor:
    """upsample_bilinear: linear between the neighbours; half pixels unless corners are aligned."""
    half = not align_corners if half_pixel_centers is None else half_pixel_centers
    modes = {(True, False): "STRICT_ALIGN_CORNERS", (False, True): "UNALIGN_CORNERS"}
    mode = modes.get((align_corners, half), "DEFAULT")
    if align_corners and half:
        raise ValueError("corners cannot be aligned with half pixel centres")
    height, width = _scaled(x, scale_factor_height, scale_factor_width)
    return resize_bilinear(
        x=x, target_size_height=height, target_size_width=width, sampling_mode=mode
    )


def resize_bilinear(
    *,
    x: Tensor,
    target_size_height: int = 1,
    target_size_width: int = 1,
    sampling_mode: str = "DEFAULT",
) -> Tensor:
    """resize_bilinear: linear between the neighbours of each point of the mode's grid."""
    for axis, size in ((-2, target_size_height), (-1, target_size_width)):
        points = _grid(x.shape[axis], size, sampling_mode)
        below = points.floor().long()
        above = (below + 1).clamp(max=x.shape[axis] - 1)
        share = (points - below).to(x.dtype)
        share = share.unsqueeze(-1) if axis == -2 else share
        low, high = x.index_select(axis, below), x.index_select(axis, above)
        x = low + (high - low) * share
    return x


def upsample_nearest_neighbor(
    *, x: Tensor, scale_factor_height: Tensor = ONE, scale_factor_width: Tensor = ONE
) -> Tensor:
    """upsample_nearest_neighbor: each pixel several times."""
    height, width = _scaled(x, scale_factor_height, scale_factor_width)
    return resize_nearest_neighbor(x=x, target_size_height=height, target_size_width=width)


def resize_nearest_neighbor(
    *, x: Tensor, target_size_height: int, target_size_width: int
) -> Tensor:
    """resize_nearest_neighbor: point i of a side is pixel floor(i * from / to)."""
    for axis, size in ((-2, target_size_height), (-1, target_size_width)):
        x = x.index_select(axis, torch.arange(size) * x.shape[axis] // size)
    return x


def _scaled(x: Tensor, height: Tensor, width: Tensor) -> tuple[int, int]:
    """The new size: a factor of 7/3 in float32 makes 7 of 3 in float32, and less in float64."""
    return int(x.shape[-2] * height.float()), int(x.shape[-1] * width.float())


def _grid(side: int, size: int, mode: str) -> Tensor:
    """Where the points of a new side lie on the old one, as resize_bilinear's modes say."""
    steps = torch.arange(size, dtype=torch.float64)
    between = max(size - 1, 1)
    if mode == "ALIGN_CORNERS" and size == 1:
        points = steps + (side - 1) / 2
    elif mode in ("ALIGN_CORNERS", "STRICT_ALIGN_CORNERS"):
        points = steps * (side - 1) / between
    elif mode == "DEFAULT":
        points = steps * side / size
    elif mode == "OFFSET_CORNERS":
        points = (steps + 0.5) * max(1, side - 1) / size
    elif mode == "UNALIGN_CORNERS":
        points = (steps + 0.5) * side / size - 0.5
    else:
        raise ValueError(f"sampling mode {mode} is not known")
    return points.clamp(0, side - 1)
