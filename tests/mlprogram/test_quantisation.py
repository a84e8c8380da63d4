"""Numbers of 8 bits in programs of iOS 17, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from attnbench.mlprogram.operators import quantisation
from tests.mlprogram.programs import Case, ct, made_of, mb, noise, operators_of

X = 3 * noise(2, 3, 4)
X[0, 0] = [0.125, 0.375, -0.125, -0.375]  # halfway between two steps of a quarter
STEPS = np.array([0.25, 0.03, 0.5], np.float32)
ZEROS = np.array([100, 3, 255], np.uint8)


def there_and_back(scale, kind, zero=None, axis=None):
    """Both operators, one behind the other: outputs of 8 bits are none that a program can have."""

    def build(x):
        stored = mb.quantize(input=x, scale=scale, zero_point=zero, axis=axis, output_dtype=kind)
        return mb.dequantize(input=stored, scale=scale, zero_point=zero, axis=axis)

    return build


def rounded(x, scale, kind, zero=0):
    known = np.iinfo(kind)
    stored = np.clip(np.rint(x / np.float64(scale)) + zero, known.min, known.max)
    return np.float64(scale) * (stored - zero)


def along(vector):
    return vector.astype(np.float64)[:, None]


CASES = {
    "signed": Case(
        there_and_back(np.float32(0.25), "int8"), lambda x: rounded(x, np.float32(0.25), "int8")
    ),
    "unsigned": Case(
        there_and_back(np.float32(0.01), "uint8", np.uint8(128)),
        lambda x: rounded(x, np.float32(0.01), "uint8", 128),
    ),
    "each slice": Case(
        there_and_back(STEPS, "uint8", ZEROS, 1),
        lambda x: rounded(x, along(STEPS), "uint8", along(ZEROS)),
    ),
    "each slice, from the end": Case(
        there_and_back(STEPS, "int8", axis=-2), lambda x: rounded(x, along(STEPS), "int8")
    ),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return made_of(tmp_path_factory.mktemp("quantised"), CASES, X, target=ct.target.iOS17)


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_stored_in_steps_and_come_back(made, name):
    made.check(name, CASES[name])


def test_the_cases_reach_both_ends_and_every_operator(made):
    assert set(made.outputs["unsigned"].flat) > {np.float32(-1.28), np.float32(1.27)}
    assert operators_of(quantisation) <= made.kinds
