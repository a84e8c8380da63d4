"""What convolution and pooling have in common: how a window moves over a padded tensor."""

from __future__ import annotations

from collections.abc import Sequence

Ints = tuple[int, ...]
Pads = list[tuple[int, int]]
"""Elements before and after, by spatial dimension."""


def spans(kernel: Sequence[int], dilations: Sequence[int]) -> list[int]:
    """How far a dilated kernel reaches in each dimension."""
    return [(size - 1) * step + 1 for size, step in zip(kernel, dilations, strict=True)]


def pads(
    kind: str, pad: Ints, sides: Sequence[int], span: Sequence[int], strides: Sequence[int]
) -> Pads:
    """
    The padding that `pad_type` means: valid, custom, same or same_lower.

    "same" gives ceil(side / stride) results; of an odd number of elements the larger half is after,
    with "same_lower" before.
    """
    if kind == "valid":
        return [(0, 0)] * len(sides)
    if kind == "custom":
        return [(pad[2 * i], pad[2 * i + 1]) for i in range(len(sides))]
    totals = [
        max(0, (-(-side // stride) - 1) * stride + reach - side)
        for side, reach, stride in zip(sides, span, strides, strict=True)
    ]
    return {
        "same": [(total // 2, total - total // 2) for total in totals],
        "same_lower": [(total - total // 2, total // 2) for total in totals],
    }[kind]


def for_torch(padding: Pads) -> list[int]:
    """The same padding as torch.nn.functional.pad wants it: the last dimension first."""
    return [side for pair in reversed(padding) for side in pair]
