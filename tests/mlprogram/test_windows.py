"""Convolution and pooling, against torch: every kind of padding, stride, dilation and group."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from attnbench.mlprogram.operators import convolution, pooling
from tests.mlprogram.programs import Case, made_of, mb, noise, operators_of

X = noise(2, 4, 9, 8)
DENSE = noise(6, 4, 3, 2, seed=1)
GROUPED = noise(6, 2, 3, 3, seed=2)
DEPTHWISE = noise(4, 1, 5, 5, seed=3)
LINE = noise(3, 4, 3, seed=4)
CUBE = noise(2, 1, 2, 3, 2, seed=5)
BIAS = noise(6, seed=6)
BACK = noise(4, 3, 3, 2, seed=7)


def tensor(array):
    return torch.tensor(np.asarray(array, np.float64))


def convolved(x, weight, padding=(0, 0, 0, 0), bias=None, **options):
    """torch's, after zeros left, right, above and below."""
    padded = F.pad(tensor(x), padding)
    return F.conv2d(padded, tensor(weight), None if bias is None else tensor(bias), **options)


def back(x, bias=None, **options):
    return F.conv_transpose2d(tensor(x), tensor(BACK), bias, **options)


CONVOLUTIONS = {
    "valid": Case(lambda x: mb.conv(x=x, weight=DENSE), lambda x: convolved(x, DENSE)),
    "bias": Case(
        lambda x: mb.conv(x=x, weight=DENSE, bias=BIAS), lambda x: convolved(x, DENSE, bias=BIAS)
    ),
    "stride and dilation": Case(
        lambda x: mb.conv(x=x, weight=DENSE, strides=[2, 3], dilations=[2, 1]),
        lambda x: convolved(x, DENSE, stride=(2, 3), dilation=(2, 1)),
    ),
    "asymmetric padding": Case(  # above, below, left, right
        lambda x: mb.conv(x=x, weight=DENSE, pad_type="custom", pad=[1, 2, 0, 3]),
        lambda x: convolved(x, DENSE, (0, 3, 1, 2)),
    ),
    "groups": Case(
        lambda x: mb.conv(x=x, weight=GROUPED, groups=2, pad_type="custom", pad=[1, 1, 1, 1]),
        lambda x: convolved(x, GROUPED, (1, 1, 1, 1), groups=2),
    ),
    "depthwise": Case(
        lambda x: mb.conv(x=x, weight=DEPTHWISE, groups=4, strides=[2, 2]),
        lambda x: convolved(x, DEPTHWISE, groups=4, stride=2),
    ),
    # 9 high, 3 x 2, stride 2: 5 x 4 results; 8 wide needs no padding for a window of 2.
    "same": Case(
        lambda x: mb.conv(x=x, weight=DENSE, pad_type="same", strides=[2, 2]),
        lambda x: convolved(x, DENSE, (0, 0, 1, 1), stride=2),
    ),
    # 8 wide, 2 wide window, stride 1: one column too few, which is put behind, or before.
    "same, odd": Case(
        lambda x: mb.conv(x=x, weight=DENSE, pad_type="same"),
        lambda x: convolved(x, DENSE, (0, 1, 1, 1)),
    ),
    "same_lower, odd": Case(
        lambda x: mb.conv(x=x, weight=DENSE, pad_type="same_lower"),
        lambda x: convolved(x, DENSE, (1, 0, 1, 1)),
    ),
    "same, dilated": Case(
        lambda x: mb.conv(x=x, weight=GROUPED, groups=2, pad_type="same", dilations=[2, 3]),
        lambda x: convolved(x, GROUPED, (3, 3, 2, 2), groups=2, dilation=(2, 3)),
    ),
    "one dimension": Case(
        lambda x: mb.conv(
            x=mb.reshape(x=x, shape=[2, 4, 72]), weight=LINE, pad_type="custom", pad=[0, 2]
        ),
        lambda x: F.conv1d(F.pad(tensor(x).reshape(2, 4, 72), (0, 2)), tensor(LINE)),
    ),
    "three dimensions": Case(
        lambda x: mb.conv(
            x=mb.expand_dims(x=x, axes=[1]), weight=CUBE, pad_type="custom", pad=[0, 1, 2, 0, 0, 3]
        ),
        lambda x: F.conv3d(F.pad(tensor(x).unsqueeze(1), (0, 3, 2, 0, 0, 1)), tensor(CUBE)),
    ),
    "transposed": Case(
        lambda x: mb.conv_transpose(x=x, weight=BACK, strides=[2, 3]),
        lambda x: back(x, stride=(2, 3)),
    ),
    "transposed, bias, cut": Case(
        lambda x: mb.conv_transpose(
            x=x, weight=BACK, bias=BIAS[:3], strides=[2, 2], pad_type="custom", pad=[1, 1, 0, 0]
        ),
        lambda x: back(x, tensor(BIAS[:3]), stride=2, padding=(1, 0)),
    ),
    "transposed, cut on one side": Case(
        lambda x: mb.conv_transpose(
            x=x, weight=BACK, strides=[2, 2], pad_type="custom", pad=[1, 0, 0, 2]
        ),
        lambda x: back(x, stride=2)[:, :, 1:, :-2],
    ),
    "transposed, of a given shape": Case(
        lambda x: mb.conv_transpose(
            x=x,
            weight=BACK,
            strides=[2, 2],
            pad_type="custom",
            pad=[1, 1, 1, 1],
            output_shape=[2, 3, 18, 15],
        ),
        lambda x: back(x, stride=2, padding=1, output_padding=1),
    ),
    "transposed, dilated": Case(
        lambda x: mb.conv_transpose(x=x, weight=BACK, dilations=[1, 2]),
        lambda x: back(x, dilation=(1, 2)),
    ),
    "transposed, same": Case(
        lambda x: mb.conv_transpose(x=x, weight=BACK, strides=[2, 2], pad_type="same"),
        lambda x: back(x, stride=2)[:, :, :18, :16],
    ),
}


def pooled(function, x, padding=(0, 0, 0, 0), value=0.0, **options):
    return function(F.pad(tensor(x), padding, value=value), **options)


def mean(x, *, counted, **options):
    return F.avg_pool2d(tensor(x), count_include_pad=counted, **options)


POOLS = {
    "avg": Case(
        lambda x: mb.avg_pool(x=x, kernel_sizes=[3, 2], pad_type="valid"),
        lambda x: pooled(F.avg_pool2d, x, kernel_size=(3, 2), stride=1),
    ),
    "avg, strides": Case(
        lambda x: mb.avg_pool(x=x, kernel_sizes=[3, 2], strides=[2, 1], pad_type="valid"),
        lambda x: pooled(F.avg_pool2d, x, kernel_size=(3, 2), stride=(2, 1)),
    ),
    "avg, padding counted": Case(
        lambda x: mb.avg_pool(
            x=x, kernel_sizes=[3, 3], strides=[2, 2], pad_type="custom", pad=[1, 1, 1, 1]
        ),
        lambda x: mean(x, counted=True, kernel_size=3, stride=2, padding=1),
    ),
    "avg, padding left out": Case(
        lambda x: mb.avg_pool(
            x=x,
            kernel_sizes=[3, 3],
            strides=[2, 2],
            pad_type="custom",
            pad=[1, 1, 1, 1],
            exclude_padding_from_average=True,
        ),
        lambda x: mean(x, counted=False, kernel_size=3, stride=2, padding=1),
    ),
    "avg, asymmetric padding counted": Case(
        lambda x: mb.avg_pool(x=x, kernel_sizes=[2, 3], pad_type="custom", pad=[1, 0, 0, 2]),
        lambda x: pooled(F.avg_pool2d, x, (0, 2, 1, 0), kernel_size=(2, 3), stride=1),
    ),
    "avg, same": Case(
        lambda x: mb.avg_pool(
            x=x,
            kernel_sizes=[2, 2],
            pad_type="same",
            strides=[1, 1],
            exclude_padding_from_average=True,
        ),
        lambda x: np.array(
            [
                [[c[i : i + 2, j : j + 2].mean() for j in range(8)] for i in range(9)]
                for c in x.reshape(8, 9, 8)
            ]
        ).reshape(2, 4, 9, 8),
    ),
    "avg, rounded up": Case(
        lambda x: mb.avg_pool(
            x=x, kernel_sizes=[2, 3], strides=[2, 2], pad_type="valid", ceil_mode=True
        ),
        lambda x: mean(x, counted=True, kernel_size=(2, 3), stride=2, ceil_mode=True),
    ),
    "avg, padded and rounded up": Case(
        lambda x: mb.avg_pool(
            x=x,
            kernel_sizes=[3, 3],
            strides=[3, 3],
            pad_type="custom",
            pad=[1, 1, 1, 1],
            ceil_mode=True,
        ),
        lambda x: mean(x, counted=True, kernel_size=3, stride=3, padding=1, ceil_mode=True),
    ),
    "avg of a line": Case(
        lambda x: mb.avg_pool(
            x=mb.reshape(x=x, shape=[2, 4, 72]), kernel_sizes=[5], strides=[3], pad_type="valid"
        ),
        lambda x: F.avg_pool1d(tensor(x).reshape(2, 4, 72), 5, 3),
    ),
    "max": Case(
        lambda x: mb.max_pool(x=x, kernel_sizes=[3, 3], strides=[2, 2], pad_type="valid"),
        lambda x: pooled(F.max_pool2d, x, kernel_size=3, stride=2),
    ),
    "max, negative everywhere, padded": Case(  # zeros of padding must not win
        lambda x: mb.max_pool(
            x=mb.sub(x=x, y=9.0),
            kernel_sizes=[3, 3],
            strides=[2, 2],
            pad_type="custom",
            pad=[1, 1, 1, 1],
        ),
        lambda x: F.max_pool2d(tensor(x - 9), 3, 2, padding=1),
    ),
    "max, asymmetric padding": Case(
        lambda x: mb.max_pool(x=x, kernel_sizes=[2, 3], pad_type="custom", pad=[0, 1, 2, 0]),
        lambda x: pooled(F.max_pool2d, x, (2, 0, 0, 1), -np.inf, kernel_size=(2, 3), stride=1),
    ),
    "max, same": Case(
        lambda x: mb.max_pool(x=x, kernel_sizes=[2, 2], strides=[2, 2], pad_type="same"),
        lambda x: pooled(F.max_pool2d, x, (0, 0, 0, 1), -np.inf, kernel_size=2, stride=2),
    ),
    "max, rounded up": Case(
        lambda x: mb.max_pool(
            x=x, kernel_sizes=[2, 3], strides=[2, 2], pad_type="valid", ceil_mode=True
        ),
        lambda x: F.max_pool2d(tensor(x), (2, 3), 2, ceil_mode=True),
    ),
    "max, padded and rounded up": Case(  # of 8 wide the last window would lie in padding alone
        lambda x: mb.max_pool(
            x=x,
            kernel_sizes=[2, 2],
            strides=[3, 3],
            pad_type="custom",
            pad=[1, 1, 1, 1],
            ceil_mode=True,
        ),
        lambda x: F.max_pool2d(tensor(x), 2, 3, padding=1, ceil_mode=True),
    ),
}


@pytest.fixture(scope="module")
def convolutions(tmp_path_factory):
    return made_of(tmp_path_factory.mktemp("programs"), CONVOLUTIONS, X)


@pytest.fixture(scope="module")
def pools(tmp_path_factory):
    return made_of(tmp_path_factory.mktemp("programs"), POOLS, X)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name, convolutions):
    convolutions.check(name, CONVOLUTIONS[name])


@pytest.mark.parametrize("name", POOLS)
def test_pool(name, pools):
    pools.check(name, POOLS[name])


def test_every_operator_is_here(convolutions, pools):
    assert operators_of(convolution) <= convolutions.kinds
    assert operators_of(pooling) <= pools.kinds
