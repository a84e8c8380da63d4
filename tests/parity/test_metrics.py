import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnbench.parity.metrics import COSINE, MAX_ABS, MAX_ERROR, SNR, TOP1, top1_margin

METRICS = (MAX_ABS, MAX_ERROR, SNR, COSINE)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_every_metric_knows_which_way_is_good(metric):
    r = np.linspace(-1, 1, 64, dtype=np.float32)
    noise = np.random.default_rng(0).standard_normal(64)
    near, far = (metric.of(r, (r + e * noise).astype(np.float32)) for e in (1e-4, 1e-1))
    assert metric.passes(near, far)
    assert not metric.passes(far, near)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_no_number_never_passes(metric, poison):
    r = np.linspace(-1, 1, 64, dtype=np.float32)
    bad = r.copy()
    bad[7] = poison
    limit = 1e30 if metric.better == "lower" else -1e30
    assert not metric.passes(metric.of(r, bad), limit)


@given(st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_the_range_normalises_scale_and_offset(scale, offset):
    r = np.random.default_rng(0).standard_normal(100)
    c = r + 1e-3 * np.random.default_rng(1).standard_normal(100)
    plain = MAX_ERROR.of(r, c)
    assert MAX_ERROR.of(scale * r + offset, scale * c + offset) == pytest.approx(plain, rel=1e-6)


def test_snr_of_a_known_noise():
    r = np.ones(1000)
    assert SNR.of(r, r * (1 + 1e-3)) == pytest.approx(60, abs=1e-6)
    assert SNR.of(r, r) == math.inf
    assert math.isnan(SNR.of(np.zeros(3), np.ones(3)))


def test_cosine_does_not_see_scale_but_sees_direction():
    r = np.random.default_rng(0).standard_normal(50)
    assert COSINE.of(r, 3 * r) == pytest.approx(1)
    assert COSINE.of(r, -r) == pytest.approx(-1)


def test_top1_and_its_margin():
    r = np.array([[0.0, 1.0, 0.9]])
    assert TOP1.of(r, np.array([[0.0, 0.8, 0.7]])) == 1
    assert TOP1.of(r, np.array([[0.0, 0.7, 0.8]])) == 0
    assert top1_margin(r) == pytest.approx(0.1)
    assert top1_margin(np.zeros((1, 3))) == 0
