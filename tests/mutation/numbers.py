"""Faults of weights, whatever the file: what converters get wrong in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

EPSILON = 1e-3
"""That of TensorFlow's BatchNorm, where PyTorch's is 1e-5."""

Numbers = dict[str, np.ndarray]
"""An operator's `weight` and, where it has one, `bias`."""


@dataclass(frozen=True)
class Axes:
    """Which axes of a weight are the filters, what they read, and the kernel's two."""

    filters: int
    reads: int | None = None
    kernel: tuple[int, int] | None = None


def faulty(
    numbers: Numbers, axes: Axes, norm: nn.BatchNorm2d | None
) -> Iterator[tuple[str, Numbers]]:
    """Each fault's name, with the numbers that it changes, if it changes any."""
    made = [("weight", *one) for one in _weights(numbers["weight"], axes)]
    if "bias" in numbers:
        made += [("bias", *one) for one in _biases(numbers["bias"])]
    for which, name, new in made:
        if not np.array_equal(new, numbers[which]):
            yield name, {which: np.ascontiguousarray(new, np.float32)}
    if norm is not None and "bias" in numbers:
        yield "BatchNorm epsilon", _with_epsilon(numbers, axes, norm)


def other_way_round(order: list[int], shape: Sequence[int]) -> list[int] | None:
    """A transposition with height and width swapped, where both are as long; else None."""
    for one, other in ((2, 3), (1, 2)):
        if len(shape) == 4 and shape[one] == shape[other] > 1:
            swapped = {one: other, other: one}
            return [swapped.get(at, at) for at in order]
    return None


def _weights(w: np.ndarray, axes: Axes) -> Iterator[tuple[str, np.ndarray]]:
    yield "weights x 1.01", 1.01 * w
    one = w.copy()
    one.flat[np.abs(w).argmax()] *= 1.01
    yield "one weight x 1.01", one
    yield "filters shifted", np.roll(w, 1, axes.filters)
    yield "filter lost", _first(w, axes.filters, 0)
    yield "filter negated", _first(w, axes.filters, -1)
    if axes.reads is not None:
        yield "inputs shifted", np.roll(w, 1, axes.reads)
        if w.shape[axes.filters] == w.shape[axes.reads]:
            yield "weights transposed", w.swapaxes(axes.filters, axes.reads)
    if axes.kernel is not None:
        yield "kernel transposed", w.swapaxes(*axes.kernel)
        yield "kernel mirrored", np.flip(w, axes.kernel[1])


def _biases(b: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield "bias dropped", np.zeros_like(b)
    yield "bias shifted", np.roll(b, 1)
    yield "bias x 1.01", 1.01 * b


def _first(w: np.ndarray, axis: int, times: float) -> np.ndarray:
    new = w.copy()
    np.moveaxis(new, axis, 0)[0] *= times
    return new


def _with_epsilon(numbers: Numbers, axes: Axes, norm: nn.BatchNorm2d) -> Numbers:
    """What folding the BatchNorm would have made with the other epsilon."""
    variance, shift = norm.running_var.numpy(), norm.bias.detach().numpy()
    times = np.sqrt((variance + norm.eps) / (variance + EPSILON))
    shape = [1] * numbers["weight"].ndim
    shape[axes.filters] = -1
    bias = shift + (numbers["bias"] - shift) * times
    weight = numbers["weight"] * times.reshape(shape)
    return {"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}
