"""Reductions, shapes, slices and gathers, against NumPy."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from attnbench.mlprogram.operators import gathering, reduction, shape, slicing
from tests.mlprogram.programs import Case, made_of, mb, noise, operators_of

X = noise(2, 4, 6, 5)


def integers(build):
    """A result of whole numbers, as an output."""
    return lambda x: mb.cast(x=build(x), dtype="fp32")


REDUCTIONS = {
    "mean": Case(
        lambda x: mb.reduce_mean(x=x, axes=[2, 3], keep_dims=True),
        lambda x: x.mean((2, 3), keepdims=True),
    ),
    "mean of all": Case(lambda x: mb.reduce_mean(x=x), np.mean),
    "mean, negative axis": Case(
        lambda x: mb.reduce_mean(x=x, axes=[-3], keep_dims=False), lambda x: x.mean(1)
    ),
    "sum": Case(lambda x: mb.reduce_sum(x=x, axes=[0, 3]), lambda x: x.sum((0, 3))),
    "max": Case(lambda x: mb.reduce_max(x=x, axes=[1, 2]), lambda x: x.max((1, 2))),
    "min": Case(lambda x: mb.reduce_min(x=x, axes=[-1]), lambda x: x.min(-1)),
    "prod": Case(lambda x: mb.reduce_prod(x=x, axes=[1, 3]), lambda x: x.prod((1, 3))),
    "prod, kept": Case(
        lambda x: mb.reduce_prod(x=x, axes=[-1], keep_dims=True),
        lambda x: x.prod(-1, keepdims=True),
    ),
    "l1": Case(lambda x: mb.reduce_l1_norm(x=x, axes=[1]), lambda x: np.abs(x).sum(1)),
    "l2": Case(lambda x: mb.reduce_l2_norm(x=x, axes=[1]), lambda x: np.sqrt((x * x).sum(1))),
    "squares": Case(lambda x: mb.reduce_sum_square(x=x, axes=[2]), lambda x: (x * x).sum(2)),
    "log of sum": Case(
        lambda x: mb.reduce_log_sum(x=mb.abs(x=x), axes=[2]), lambda x: np.log(np.abs(x).sum(2))
    ),
    "log of sum of exponentials": Case(
        lambda x: mb.reduce_log_sum_exp(x=x, axes=[1], keep_dims=True),
        lambda x: np.log(np.exp(x).sum(1, keepdims=True)),
    ),
    "argmax": Case(integers(lambda x: mb.reduce_argmax(x=x, axis=1)), lambda x: x.argmax(1)),
    "argmin, kept": Case(
        integers(lambda x: mb.reduce_argmin(x=x, axis=-1, keep_dims=True)),
        lambda x: x.argmin(-1, keepdims=True),
    ),
}


def parts(build, number):
    """One of several results."""
    return lambda x: build(x)[number]


def flat(x):
    """Of rank 3: Core ML has no more than 5 axes."""
    return mb.reshape(x=x, shape=[2, 24, 5])


SHAPES = {
    "reshape": Case(
        lambda x: mb.reshape(x=x, shape=[0, -1, 2, 0]), lambda x: x.reshape(2, 12, 2, 5)
    ),
    "flatten2d": Case(lambda x: mb.flatten2d(x=x, axis=-1), lambda x: x.reshape(48, 5)),
    "transpose": Case(
        lambda x: mb.transpose(x=x, perm=[3, 0, 2, 1]), lambda x: x.transpose(3, 0, 2, 1)
    ),
    "transpose, negative": Case(
        lambda x: mb.transpose(x=x, perm=[0, 2, -1, 1]), lambda x: x.transpose(0, 2, 3, 1)
    ),
    "expand_dims": Case(
        lambda x: mb.expand_dims(x=flat(x), axes=[0, 3]), lambda x: x.reshape(1, 2, 24, 1, 5)
    ),
    "expand_dims, negative": Case(
        lambda x: mb.expand_dims(x=flat(x), axes=[-1, 1]), lambda x: x.reshape(2, 1, 24, 5, 1)
    ),
    "squeeze": Case(
        lambda x: mb.squeeze(x=mb.reshape(x=x, shape=[1, 240, 1, 1]), axes=[0, -1]),
        lambda x: x.reshape(240, 1),
    ),
    "squeeze all": Case(
        lambda x: mb.squeeze(x=mb.reshape(x=x, shape=[1, 240, 1, 1])), lambda x: x.reshape(240)
    ),
    "concat": Case(
        lambda x: mb.concat(values=(x, mb.exp(x=x), x), axis=-2),
        lambda x: np.concatenate([x, np.exp(x), x], -2),
    ),
    "concat, interleaved": Case(
        lambda x: mb.concat(values=(x, mb.exp(x=x)), axis=1, interleave=True),
        lambda x: np.stack([x, np.exp(x)], 2).reshape(2, 8, 6, 5),
    ),
    "concat of one": Case(lambda x: mb.concat(values=(x,), axis=1), lambda x: x),
    "split by sizes": Case(
        parts(lambda x: mb.split(x=x, split_sizes=[1, 3, 2], axis=2), 1), lambda x: x[:, :, 1:4]
    ),
    "split by number": Case(
        parts(lambda x: mb.split(x=x, num_splits=2, axis=-3), 1), lambda x: x[:, 2:]
    ),
    "stack": Case(
        lambda x: mb.stack(values=(x, mb.exp(x=x)), axis=1), lambda x: np.stack([x, np.exp(x)], 1)
    ),
    "tile": Case(lambda x: mb.tile(x=x, reps=[1, 2, 1, 3]), lambda x: np.tile(x, (1, 2, 1, 3))),
    "reverse": Case(lambda x: mb.reverse(x=x, axes=[1, -1]), lambda x: np.flip(x, (1, 3))),
    "reverse all": Case(lambda x: mb.reverse(x=x), np.flip),
    "shape": Case(integers(lambda x: mb.shape(x=x)), np.shape),
    "fill": Case(
        lambda x: mb.add(x=x, y=mb.fill(shape=[6, 1], value=2.5)),
        lambda x: x + np.full((6, 1), 2.5),
    ),
    "range_1d": Case(
        lambda x: mb.add(x=x, y=mb.range_1d(start=1.0, end=3.5, step=0.5)),
        lambda x: x + np.arange(1, 3.5, 0.5),
    ),
    "pad": Case(
        lambda x: mb.pad(x=x, pad=[1, 0, 0, 2, 3, 1], constant_val=7.0),
        lambda x: np.pad(x, ((0, 0), (1, 0), (0, 2), (3, 1)), constant_values=7.0),
    ),
    "pad, reflected": Case(
        lambda x: mb.pad(x=x, pad=[5, 2, 0, 4], mode="reflect"),
        lambda x: np.pad(x, ((0, 0), (0, 0), (5, 2), (0, 4)), "reflect"),
    ),
    "pad, held": Case(
        lambda x: mb.pad(x=x, pad=[1, 3, 2, 0], mode="replicate"),
        lambda x: np.pad(x, ((0, 0), (0, 0), (1, 3), (2, 0)), "edge"),
    ),
    "pixel_shuffle": Case(
        lambda x: mb.pixel_shuffle(x=x, upscale_factor=2),
        lambda x: x.reshape(2, 1, 2, 2, 6, 5).transpose(0, 1, 4, 2, 5, 3).reshape(2, 1, 12, 10),
    ),
    "pixel_unshuffle": Case(
        lambda x: mb.pixel_unshuffle(
            x=mb.reshape(x=x, shape=[2, 5, 4, 6]), downscale_factor=np.uint32(2)
        ),
        lambda x: x.reshape(2, 5, 2, 2, 3, 2).transpose(0, 1, 3, 5, 2, 4).reshape(2, 20, 2, 3),
    ),
}


def sliced(begin, end, **options):
    return lambda x: mb.slice_by_index(x=x, begin=begin, end=end, **options)


ROWS = np.array([[3, -1], [0, 2]], np.int32)
ALONG = np.array([0, -2, 3, 1, 0, 0], np.int32).reshape(1, 1, 6, 1).repeat(2, 0).repeat(5, 3)
SLICES = {
    "plain": Case(sliced([0, 1, 2, 0], [2, 3, 6, 4]), lambda x: x[0:2, 1:3, 2:6, 0:4]),
    "negative": Case(sliced([-1, -3, 1, -4], [2, -1, -2, 5]), lambda x: x[-1:2, -3:-1, 1:-2, -4:5]),
    "strides": Case(
        sliced([0, 0, 1, 0], [2, 4, 6, 5], stride=[1, 2, 3, 1]), lambda x: x[:, ::2, 1:6:3]
    ),
    "backwards": Case(
        sliced([0, 3, 5, 4], [2, 0, 1, 0], stride=[1, -1, -2, -1]),
        lambda x: x[:, 3:0:-1, 5:1:-2, 4:0:-1],
    ),
    "masks": Case(
        sliced(
            [9, 1, 3, 9],
            [9, 9, 9, 2],
            begin_mask=[True, False, False, True],
            end_mask=[True, True, True, False],
        ),
        lambda x: x[:, 1:, 3:, :2],
    ),
    "masks, backwards": Case(
        sliced(
            [0, 0, 0, 0],
            [0, 0, 0, 0],
            stride=[1, 1, -1, 1],
            begin_mask=[True] * 4,
            end_mask=[True] * 4,
        ),
        lambda x: x[:, :, ::-1],
    ),
    "squeezed": Case(
        sliced(
            [1, 0, -1, 0],
            [0, 4, 0, 5],
            squeeze_mask=[True, False, True, False],
        ),
        lambda x: x[1, :, -1],
    ),
    "by size": Case(
        lambda x: mb.slice_by_size(x=x, begin=[0, 1, -3, 0], size=[2, 2, 2, -1]),
        lambda x: x[:, 1:3, 3:5],
    ),
    "gather": Case(
        lambda x: mb.gather(x=x, indices=ROWS, axis=-2), lambda x: np.take(x, ROWS, axis=2)
    ),
    "gather one": Case(lambda x: mb.gather(x=x, indices=np.int32(-2), axis=1), lambda x: x[:, -2]),
    "gather by batch": Case(
        lambda x: mb.gather(x=x, indices=ROWS, axis=1, batch_dims=1),
        lambda x: np.stack([x[0][ROWS[0]], x[1][ROWS[1]]]),
    ),
    "gather along": Case(
        lambda x: mb.gather_along_axis(x=x, indices=ALONG.repeat(4, 1), axis=2),
        lambda x: np.take_along_axis(x, ALONG.repeat(4, 1), 2),
    ),
    "gather by coordinates": Case(
        lambda x: mb.gather_nd(x=x, indices=np.array([[0, 3], [1, 2]], np.int32)),
        lambda x: x[[0, 1], [3, 2]],
    ),
    "gather by coordinates and batch": Case(
        lambda x: mb.gather_nd(x=x, indices=np.array([[[3, 5]], [[0, 1]]], np.int32), batch_dims=1),
        lambda x: np.stack([x[0, 3, 5][None], x[1, 0, 1][None]]),
    ),
    "topk": Case(
        parts(lambda x: mb.topk(x=x, k=3, axis=2), 0), lambda x: -np.sort(-x, 2)[:, :, :3]
    ),
    "topk, where": Case(
        integers(parts(lambda x: mb.topk(x=x, k=2, axis=1, ascending=True), 1)),
        lambda x: np.argsort(x, 1)[:, :2],
    ),
    "argsort": Case(integers(lambda x: mb.argsort(x=x, axis=2)), lambda x: np.argsort(-x, 2)),
    "cumsum": Case(lambda x: mb.cumsum(x=x, axis=2), lambda x: x.cumsum(2)),
    "cumsum, exclusive, from behind": Case(
        lambda x: mb.cumsum(x=x, axis=2, exclusive=True, reverse=True),
        lambda x: np.flip(np.flip(x, 2).cumsum(2), 2) - x,
    ),
}

FAMILIES = {
    "reductions": (REDUCTIONS, (reduction,)),
    "shapes": (SHAPES, (shape,)),
    "slices": (SLICES, (slicing, gathering)),
}


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """The program of each family, once."""
    return cache(lambda name: made_of(tmp_path_factory.mktemp(name), FAMILIES[name][0], X))


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k in FAMILIES for n in FAMILIES[k][0]])
def test_operator(kind, name, family):
    family(kind).check(name, FAMILIES[kind][0][name])


@pytest.mark.parametrize("name", FAMILIES)
def test_every_operator_is_here(name, family):
    for module in FAMILIES[name][1]:
        assert operators_of(module) <= family(name).kinds


def test_indices_that_are_not_there_are_an_error():
    with pytest.raises(IndexError):
        gathering.gather(x=torch.zeros(3, 2), indices=torch.tensor([3]), axis=0)
