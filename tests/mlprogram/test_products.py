"""Matrices, normalisation, other sizes and stored constants, against NumPy and torch."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from attnbench.mlprogram.operators import constexpr, normalisation, products, resizing
from tests.mlprogram.programs import Case, made_of, mb, noise, one, operators_of

X = noise(2, 3, 4, 5)
WEIGHT = noise(6, 5, seed=1)
MATRIX = noise(2, 3, 5, 7, seed=2)
TURNED = MATRIX.transpose(0, 1, 3, 2).copy()
VECTORS = noise(4, 3, seed=3)
MEAN, SCALE, SHIFT = VECTORS[:3]
VARIANCE = np.square(VECTORS[3]) + np.float32(0.1)
PLANE = noise(4, 5, seed=4)


def tensor(array):
    return torch.tensor(np.asarray(array, np.float64))


def along(vector):
    return np.asarray(vector, np.float64)[:, None, None]


def normal(x, axes, epsilon):
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon)


PRODUCTS = {
    "linear": Case(
        lambda x: mb.linear(x=x, weight=WEIGHT, bias=WEIGHT[:, 0]),
        lambda x: x @ WEIGHT.T.astype(np.float64) + WEIGHT[:, 0],
    ),
    "linear, no bias": Case(
        lambda x: mb.linear(x=x, weight=WEIGHT), lambda x: x @ WEIGHT.T.astype(np.float64)
    ),
    "matmul": Case(lambda x: mb.matmul(x=x, y=MATRIX), lambda x: x @ MATRIX.astype(np.float64)),
    "matmul, y transposed": Case(
        lambda x: mb.matmul(x=x, y=TURNED, transpose_y=True),
        lambda x: x @ MATRIX.astype(np.float64),
    ),
    "matmul, x transposed, broadcast": Case(
        lambda x: mb.matmul(x=x, y=PLANE, transpose_x=True),
        lambda x: x.transpose(0, 1, 3, 2) @ PLANE.astype(np.float64),
    ),
    "einsum": Case(  # (n, c, h, w) and (n, w, h, u)
        lambda x: mb.einsum(
            values=(x, mb.transpose(x=x, perm=[0, 3, 2, 1])), equation="nchw,nwhu->nchu"
        ),
        lambda x: np.einsum("nchw,nuhw->nchu", x, x),
    ),
}

NORMS = {
    "batch": Case(
        lambda x: mb.batch_norm(
            x=x, mean=MEAN, variance=VARIANCE, gamma=SCALE, beta=SHIFT, epsilon=0.25
        ),
        lambda x: (x - along(MEAN)) / np.sqrt(along(VARIANCE) + 0.25) * along(SCALE) + along(SHIFT),
    ),
    "batch, plain": Case(
        lambda x: mb.batch_norm(x=x, mean=MEAN, variance=VARIANCE),
        lambda x: (x - along(MEAN)) / np.sqrt(along(VARIANCE) + 1e-5),
    ),
    "instance": Case(
        lambda x: mb.instance_norm(x=x, gamma=SCALE, beta=SHIFT, epsilon=0.25),
        lambda x: normal(x, (2, 3), 0.25) * along(SCALE) + along(SHIFT),
    ),
    "instance, plain": Case(lambda x: mb.instance_norm(x=x), lambda x: normal(x, (2, 3), 1e-5)),
    "layer": Case(
        lambda x: mb.layer_norm(x=x, axes=[2, -1], gamma=PLANE, beta=PLANE, epsilon=0.25),
        lambda x: normal(x, (2, 3), 0.25) * PLANE.astype(np.float64) + PLANE,
    ),
    "layer over channels": Case(
        lambda x: mb.layer_norm(x=x, axes=[1], gamma=SCALE, beta=SHIFT),
        lambda x: normal(x, 1, 1e-5) * along(SCALE) + along(SHIFT),
    ),
    "length": Case(
        lambda x: mb.l2_norm(x=x, epsilon=0.25),
        lambda x: x / np.sqrt((x * x).sum((1, 2, 3), keepdims=True) + 0.25),
    ),
}


def lerped(columns, rows=(0, 1, 2, 3)):
    """Linear between neighbours, at these places of the width and the height."""

    def along(x, points):
        at = np.clip(points, 0, x.shape[-1] - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, x.shape[-1] - 1)
        return x[..., low] * (1 - (at - low)) + x[..., high] * (at - low)

    return lambda x: along(along(x, columns).swapaxes(2, 3), np.array(rows)).swapaxes(2, 3)


def resized(mode, width, height=4):
    """Another width; with most modes the height stays as it is."""
    return lambda x: mb.resize_bilinear(
        x=x, target_size_height=height, target_size_width=width, sampling_mode=mode
    )


SIZES = {
    "upsample_bilinear, corners": Case(
        lambda x: mb.upsample_bilinear(
            x=x, scale_factor_height=2, scale_factor_width=3, align_corners=True
        ),
        lambda x: F.interpolate(tensor(x), (8, 15), mode="bilinear", align_corners=True),
    ),
    "upsample_bilinear, half pixels": Case(
        lambda x: mb.upsample_bilinear(
            x=x, scale_factor_height=2, scale_factor_width=3, align_corners=False
        ),
        lambda x: F.interpolate(tensor(x), (8, 15), mode="bilinear", align_corners=False),
    ),
    "upsample_bilinear, neither": Case(
        lambda x: mb.upsample_bilinear(
            x=x,
            scale_factor_height=1,
            scale_factor_width=2,
            align_corners=False,
            half_pixel_centers=False,
        ),
        lerped(np.arange(10) / 2),
    ),
    "upsample_bilinear by a fraction": Case(  # 4 * 7/4 and 5 * 8/5 in float32
        lambda x: mb.upsample_bilinear(
            x=x, scale_factor_height=1.75, scale_factor_width=1.6, align_corners=False
        ),
        lambda x: F.interpolate(tensor(x), (7, 8), mode="bilinear", align_corners=False),
    ),
    "resize, strict corners": Case(
        resized("STRICT_ALIGN_CORNERS", 8),
        lambda x: F.interpolate(tensor(x), (4, 8), mode="bilinear", align_corners=True),
    ),
    "resize, corners, to one": Case(resized("ALIGN_CORNERS", 1), lerped(np.array([2.0]))),
    "resize, strict corners, to one": Case(
        resized("STRICT_ALIGN_CORNERS", 1), lerped(np.array([0.0]))
    ),
    "resize, half pixels": Case(
        resized("UNALIGN_CORNERS", 3),
        lambda x: F.interpolate(tensor(x), (4, 3), mode="bilinear", align_corners=False),
    ),
    "resize, default": Case(resized("DEFAULT", 8), lerped(np.arange(8) * 5 / 8)),
    "resize, offset": Case(
        resized("OFFSET_CORNERS", 8), lerped(0.25 + np.arange(8) / 2, 0.375 + 0.75 * np.arange(4))
    ),
    "upsample_nearest_neighbor": Case(
        lambda x: mb.upsample_nearest_neighbor(x=x, scale_factor_height=2, scale_factor_width=3),
        lambda x: x.repeat(2, 2).repeat(3, 3),
    ),
    "resize_nearest_neighbor": Case(
        lambda x: mb.resize_nearest_neighbor(x=x, target_size_height=6, target_size_width=3),
        lambda x: F.interpolate(tensor(x), (6, 3), mode="nearest"),
    ),
}

STORED = np.random.default_rng(0).integers(0, 256, (6, 4), np.uint8)
STEPS = (np.abs(noise(6, seed=5)) + 0.1).astype(np.float32)
ZEROS = np.arange(100, 106).astype(np.uint8)
TABLE = noise(16, seed=6)
PLACES = np.random.default_rng(1).integers(0, 16, 15)
KEPT = np.random.default_rng(2).random(15) < 0.4
TABLE_64 = noise(64, seed=8)
PLACES_64 = np.random.default_rng(3).integers(0, 64, 15)


def packed(values, bits):
    """Numbers of so many bits one behind the other, the lowest bit first."""
    each = (values[:, None] >> np.arange(bits)) & 1
    return np.packbits(each.astype(np.uint8).reshape(-1), bitorder="little")


def table(places, values, bits):
    return lambda x: mb.add(
        x=x,
        y=mb.constexpr_lut_to_dense(
            indices=packed(places, bits), lut=values, shape=np.array([3, 1, 5], np.uint32)
        ),
    )


CONSTANTS = {
    "affine": Case(
        lambda x: mb.matmul(
            x=x,
            y=mb.reshape(
                x=mb.constexpr_affine_dequantize(
                    quantized_data=STORED[:5], scale=STEPS[:5], zero_point=ZEROS[:5], axis=0
                ),
                shape=[5, 4],
            ),
        ),
        lambda x: x @ ((STORED[:5] - ZEROS[:5, None].astype(np.float32)) * STEPS[:5, None]),
    ),
    "affine, one scale": Case(
        lambda x: mb.matmul(
            x=x,
            y=mb.constexpr_affine_dequantize(
                quantized_data=STORED[:5].astype(np.int8),
                scale=np.float32(0.25),
                zero_point=np.int8(-3),
                axis=0,
            ),
        ),
        lambda x: x @ ((STORED[:5].astype(np.int8) + 3.0) * 0.25),
    ),
    "table": Case(table(PLACES, TABLE, 4), lambda x: x + TABLE[PLACES].reshape(3, 1, 5)),
    "table, over bytes": Case(
        table(PLACES_64, TABLE_64, 6), lambda x: x + TABLE_64[PLACES_64].reshape(3, 1, 5)
    ),
    "sparse": Case(
        lambda x: mb.add(
            x=x,
            y=mb.constexpr_sparse_to_dense(
                nonzero_data=noise(int(KEPT.sum()), seed=7),
                mask=np.packbits(KEPT, bitorder="little"),
                shape=np.array([3, 1, 5], np.uint32),
            ),
        ),
        lambda x: x + _scattered(noise(int(KEPT.sum()), seed=7)).reshape(3, 1, 5),
    ),
    "cast": Case(
        lambda x: mb.add(
            x=x, y=mb.constexpr_cast(source_val=PLANE.astype(np.float16), output_dtype="fp32")
        ),
        lambda x: x + PLANE.astype(np.float16),
    ),
}


def _scattered(values):
    dense = np.zeros(15)
    dense[KEPT] = values
    return dense


FAMILIES = {
    "products": (PRODUCTS, products),
    "norms": (NORMS, normalisation),
    "sizes": (SIZES, resizing),
    "constants": (CONSTANTS, constexpr),
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
    assert operators_of(FAMILIES[name][1]) <= family(name).kinds


def test_the_documentations_grid_points(tmp_path):
    """Of coremltools' page on resize_bilinear: two pixels 0 and 1 made five, in each mode."""
    pair = np.array([[[[0.0, 1.0]]]], np.float32)
    points = {
        "UNALIGN_CORNERS": [0.0, 0.1, 0.5, 0.9, 1.0],
        "STRICT_ALIGN_CORNERS": [0.0, 0.25, 0.5, 0.75, 1.0],
        "DEFAULT": [0.0, 0.4, 0.8, 1.0, 1.0],
        "OFFSET_CORNERS": [0.1, 0.3, 0.5, 0.7, 0.9],
    }
    for mode, expected in points.items():
        folder = tmp_path / mode
        folder.mkdir()
        made = one(folder, resized(mode, 5, height=1), pair)
        np.testing.assert_allclose(made[0, 0, 0], expected, atol=1e-7)
