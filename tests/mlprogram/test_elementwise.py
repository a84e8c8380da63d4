"""Operators element by element, against NumPy and torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from attnbench.mlprogram.operators import activation, binary, unary
from tests.mlprogram.programs import Case, made_of, mb, noise, operators_of

X = noise(2, 3, 4, 5)
X[0, 0] = np.array([-2.5, -1.5, -0.5, 0.5, 1.5])  # halves, for round
Y = noise(3, 1, 5, seed=1)
Y[0, 0, :2] = X[0, 0, 0, :2]  # equal ones, for the comparisons


def floats(build):
    """A program's outputs are numbers."""
    return lambda x, y: mb.cast(x=build(x=x, y=y), dtype="fp32")


def logical(build):
    """Of two conditions that are each true for some."""
    return lambda x, y: mb.cast(
        x=build(x=mb.greater(x=x, y=0.0), y=mb.less(x=y, y=0.3)), dtype="fp32"
    )


def integers(build):
    """Of whole numbers with either sign, none of them 0."""

    def whole(value):
        return mb.cast(x=mb.add(x=mb.mul(x=mb.sign(x=value), y=3.0), y=value), dtype="int32")

    return lambda x, y: build(x=whole(x), y=whole(y))


def whole(value):
    return np.trunc(np.sign(value) * 3 + value).astype(np.int64)


BINARY = {
    "add": Case(lambda x, y: mb.add(x=x, y=y), np.add),
    "sub": Case(lambda x, y: mb.sub(x=x, y=y), np.subtract),
    "mul": Case(lambda x, y: mb.mul(x=x, y=y), np.multiply),
    "real_div": Case(lambda x, y: mb.real_div(x=x, y=y), np.divide),
    "floor_div": Case(lambda x, y: mb.floor_div(x=x, y=y), np.floor_divide),
    "floor_div of integers": Case(
        integers(mb.floor_div), lambda x, y: np.floor_divide(whole(x), whole(y))
    ),
    "mod": Case(lambda x, y: mb.mod(x=x, y=y), np.mod),
    "mod of integers": Case(integers(mb.mod), lambda x, y: np.mod(whole(x), whole(y))),
    "pow": Case(lambda x, y: mb.pow(x=mb.abs(x=x), y=y), lambda x, y: np.power(np.abs(x), y)),
    "maximum": Case(lambda x, y: mb.maximum(x=x, y=y), np.maximum),
    "minimum": Case(lambda x, y: mb.minimum(x=x, y=y), np.minimum),
    "equal": Case(floats(mb.equal), np.equal),
    "not_equal": Case(floats(mb.not_equal), np.not_equal),
    "greater": Case(floats(mb.greater), np.greater),
    "greater_equal": Case(floats(mb.greater_equal), np.greater_equal),
    "less": Case(floats(mb.less), np.less),
    "less_equal": Case(floats(mb.less_equal), np.less_equal),
    "logical_and": Case(logical(mb.logical_and), lambda x, y: (x > 0) & (y < 0.3)),
    "logical_or": Case(logical(mb.logical_or), lambda x, y: (x > 0) | (y < 0.3)),
    "logical_xor": Case(logical(mb.logical_xor), lambda x, y: (x > 0) ^ (y < 0.3)),
    "select": Case(
        lambda x, y: mb.select(cond=mb.greater(x=x, y=0.0), a=mb.exp(x=x), b=x),
        lambda x, y: np.where(x > 0, np.exp(x), x),
    ),
    "a constant in front": Case(lambda x, y: mb.sub(x=1.0, y=x), lambda x, y: 1 - x),
}

UNARY = {
    "abs": Case(lambda x: mb.abs(x=x), np.abs),
    "ceil": Case(lambda x: mb.ceil(x=x), np.ceil),
    "floor": Case(lambda x: mb.floor(x=x), np.floor),
    "round": Case(lambda x: mb.round(x=x), np.round),
    "sign": Case(lambda x: mb.sign(x=x), np.sign),
    "sqrt": Case(lambda x: mb.sqrt(x=mb.abs(x=x)), lambda x: np.sqrt(np.abs(x))),
    "square": Case(lambda x: mb.square(x=x), np.square),
    "exp": Case(lambda x: mb.exp(x=x), np.exp),
    "exp2": Case(lambda x: mb.exp2(x=x), np.exp2),
    "erf": Case(lambda x: mb.erf(x=x), lambda x: torch.erf(torch.tensor(x))),
    "sin": Case(lambda x: mb.sin(x=x), np.sin),
    "cos": Case(lambda x: mb.cos(x=x), np.cos),
    "tanh": Case(lambda x: mb.tanh(x=x), np.tanh),
    "inverse": Case(lambda x: mb.inverse(x=x), lambda x: 1 / (x + 1e-4)),
    "inverse, epsilon": Case(lambda x: mb.inverse(x=x, epsilon=0.25), lambda x: 1 / (x + 0.25)),
    "log": Case(lambda x: mb.log(x=mb.abs(x=x)), lambda x: np.log(np.abs(x))),
    "rsqrt": Case(
        lambda x: mb.rsqrt(x=mb.square(x=x), epsilon=0.25), lambda x: 1 / np.sqrt(x * x + 0.25)
    ),
    "clip": Case(lambda x: mb.clip(x=x, alpha=-0.5, beta=0.75), lambda x: np.clip(x, -0.5, 0.75)),
    "threshold": Case(lambda x: mb.threshold(x=x, alpha=0.25), lambda x: np.maximum(x, 0.25)),
    "logical_not": Case(
        lambda x: mb.cast(x=mb.logical_not(x=mb.greater(x=x, y=0.0)), dtype="fp32"),
        lambda x: x <= 0,
    ),
    "identity": Case(lambda x: mb.identity(x=x), lambda x: x),
    "cast to integers": Case(lambda x: mb.cast(x=x, dtype="int32"), np.trunc),
    "cast to conditions": Case(
        lambda x: mb.cast(x=mb.cast(x=mb.floor(x=x), dtype="bool"), dtype="fp32"),
        lambda x: np.floor(x) != 0,
    ),
    "cast to half precision and back": Case(
        lambda x: mb.cast(x=mb.cast(x=x, dtype="fp16"), dtype="fp32"),
        lambda x: x.astype(np.float16),
    ),
}


def in_torch(function):
    """A function of torch tensors as one of arrays."""
    return lambda x: function(torch.tensor(x)).numpy()


SLOPES = np.array([0.1, 0.2, 0.3], np.float32)
ACTIVATIONS = {
    "relu": Case(lambda x: mb.relu(x=x), lambda x: np.maximum(x, 0)),
    "relu6": Case(lambda x: mb.relu6(x=mb.mul(x=x, y=5.0)), lambda x: np.clip(5 * x, 0, 6)),
    "leaky_relu": Case(
        lambda x: mb.leaky_relu(x=x, alpha=0.25), lambda x: np.where(x < 0, 0.25 * x, x)
    ),
    "prelu": Case(
        lambda x: mb.prelu(x=x, alpha=SLOPES),
        lambda x: np.where(x < 0, SLOPES[:, None, None].astype(np.float64) * x, x),
    ),
    "clamped_relu": Case(
        lambda x: mb.clamped_relu(x=x, alpha=0.25, beta=0.5),
        lambda x: np.minimum(np.where(x < 0, 0.25 * x, x), 0.5),
    ),
    "clamped_relu, negative beta": Case(
        lambda x: mb.clamped_relu(x=x, alpha=0.25, beta=-0.125),
        lambda x: np.minimum(np.where(x < 0, 0.25 * x, x), -0.125),
    ),
    "thresholded_relu": Case(
        lambda x: mb.thresholded_relu(x=x, alpha=0.5), lambda x: np.where(x >= 0.5, x, 0)
    ),
    "elu": Case(lambda x: mb.elu(x=x, alpha=0.5), lambda x: np.where(x < 0, 0.5 * np.expm1(x), x)),
    "gelu": Case(lambda x: mb.gelu(x=x), in_torch(F.gelu)),
    "gelu by tanh": Case(
        lambda x: mb.gelu(x=x, mode="TANH_APPROXIMATION"),
        lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    "gelu by sigmoid": Case(
        lambda x: mb.gelu(x=x, mode="SIGMOID_APPROXIMATION"),
        lambda x: x / (1 + np.exp(-1.702 * x)),
    ),
    "linear_activation": Case(
        lambda x: mb.linear_activation(x=x, alpha=0.5, beta=-2.0), lambda x: 0.5 * x - 2
    ),
    "scaled_tanh": Case(
        lambda x: mb.scaled_tanh(x=x, alpha=0.5, beta=2.0), lambda x: 0.5 * np.tanh(2 * x)
    ),
    "sigmoid": Case(lambda x: mb.sigmoid(x=x), lambda x: 1 / (1 + np.exp(-x))),
    "sigmoid_hard": Case(
        lambda x: mb.sigmoid_hard(x=x, alpha=0.25, beta=0.5),
        lambda x: np.clip(0.25 * x + 0.5, 0, 1),
    ),
    "silu": Case(lambda x: mb.silu(x=x), lambda x: x / (1 + np.exp(-x))),
    "softmax": Case(lambda x: mb.softmax(x=x), in_torch(lambda x: x.softmax(-1))),
    "softmax over channels": Case(
        lambda x: mb.softmax(x=x, axis=1), in_torch(lambda x: x.softmax(1))
    ),
    "softplus": Case(lambda x: mb.softplus(x=x), lambda x: np.log1p(np.exp(x))),
    "softsign": Case(lambda x: mb.softsign(x=x), lambda x: x / (1 + np.abs(x))),
}


@pytest.fixture(scope="module")
def binaries(tmp_path_factory):
    return made_of(tmp_path_factory.mktemp("programs"), BINARY, X, Y)


@pytest.fixture(scope="module")
def unaries(tmp_path_factory):
    return made_of(tmp_path_factory.mktemp("programs"), UNARY, X)


@pytest.fixture(scope="module")
def activations(tmp_path_factory):
    return made_of(tmp_path_factory.mktemp("programs"), ACTIVATIONS, X)


@pytest.mark.parametrize("name", BINARY)
def test_of_two(name, binaries):
    binaries.check(name, BINARY[name])


@pytest.mark.parametrize("name", UNARY)
def test_of_one(name, unaries):
    unaries.check(name, UNARY[name])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name, activations):
    activations.check(name, ACTIVATIONS[name])


def test_every_operator_is_here(binaries, unaries, activations):
    assert operators_of(binary) <= binaries.kinds
    assert operators_of(unary) <= unaries.kinds
    assert operators_of(activation) <= activations.kinds
