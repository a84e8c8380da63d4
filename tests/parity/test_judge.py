import numpy as np
import pytest

from attnbench.errors import BadArtifact, BadOption
from attnbench.parity.judge import Expected, judge
from attnbench.parity.limits import ABSOLUTE, CEILING_DB, FACTOR, FLOOR, LIMITS, limits_for

LIMIT = limits_for("onnx", "fp32")


def expected(own=0.0, *, values=None, name="noise"):
    """A reference whose float32 is `own` of its range away from float64."""
    double = np.linspace(-1, 1, 1000)[None] if values is None else np.asarray(values, float)
    wobble = np.where(np.arange(double.size) % 2, own, -own).reshape(double.shape)
    width = float(double.max() - double.min())
    return Expected(name, ((double + wobble * width).astype(np.float32),), (double,))


def cases(reference, error):
    single = reference.single[0]
    width = float(single.max() - single.min())
    got = (single + error * width * np.where(np.arange(single.size) % 3, 1, -1)).astype(np.float32)
    return {case.metric: case for case in judge(reference, [got], LIMIT)}


def test_the_limit_follows_pytorchs_own_distance():
    own = 1e-4
    found = cases(expected(own), 0)
    assert found["max_error"].limit == pytest.approx(FACTOR * own, rel=0.01)
    assert found["max_error"].passed


@pytest.mark.parametrize(("times", "passes"), [(0.5, True), (0.9, True), (1.1, False), (4, False)])
def test_the_gate_fails_just_beyond_the_factor(times, passes):
    assert cases(expected(1e-4), FACTOR * 1e-4 * times)["max_error"].passed == passes


def test_a_model_that_rounds_nothing_still_has_a_floor():
    found = cases(expected(0), 0.5 * FLOOR)
    assert found["max_error"].limit == FLOOR
    assert found["snr"].limit <= CEILING_DB
    assert all(case.passed for case in found.values())


def test_two_percent_fails_every_metric_but_not_the_class():
    found = cases(expected(1e-5), 0.02)
    assert not found["max_error"].passed
    assert not found["snr"].passed
    assert not found["cosine"].passed


def test_top1_counts_only_where_the_reference_is_sure():
    assert "top1" not in cases(expected(values=[[0, 1, 1 - 1e-7]]), 0)
    assert cases(expected(values=[[0, 1, 0.5]]), 0)["top1"].passed


def test_top1_fails_when_the_class_changes():
    reference = expected(values=[[0.0, 1.0, 0.5]])
    swapped = np.array([[0.0, 0.5, 1.0]], np.float32)
    found = {case.metric: case for case in judge(reference, [swapped], LIMIT)}
    assert not found["top1"].passed


@pytest.mark.parametrize(("error", "passes"), [(0, True), (ABSOLUTE / 2, True), (1e-3, False)])
def test_a_constant_output_has_an_absolute_limit(error, passes):
    reference = expected(values=np.full((1, 10), 3.0))
    (case,) = judge(reference, [np.full((1, 10), 3.0 + error, np.float32)], LIMIT)
    assert (case.metric, case.limit, case.passed) == ("max_abs", ABSOLUTE, passes)


def test_nan_is_a_failure_and_stored_as_none():
    reference = expected()
    bad = reference.single[0].copy()
    bad[0, 3] = np.nan
    found = judge(reference, [bad], LIMIT)
    worst = next(case for case in found if case.metric == "max_error")
    assert not worst.passed
    assert worst.value is None


def test_every_output_is_judged_under_its_own_name():
    one = expected()
    two = Expected("noise", one.single * 2, one.double * 2)
    found = judge(two, [one.single[0], -one.single[0]], LIMIT)
    assert {case.input for case in found} == {"noise[0]", "noise[1]"}
    assert all(case.passed for case in found if case.input == "noise[0]")
    assert not all(case.passed for case in found if case.input == "noise[1]")


def test_another_models_output_is_a_foreign_artifact():
    with pytest.raises(BadArtifact, match="outputs are"):
        judge(expected(), [np.zeros((1, 7), np.float32)], LIMIT)


def test_limits_have_reasons_and_unknown_ones_are_refused():
    assert all(limits.reason for limits in LIMITS.values())
    with pytest.raises(BadOption, match="int4"):
        limits_for("onnx", "int4")


def test_a_lucky_order_of_sums_does_not_make_the_limit():
    """The limit follows the larger of the distances of two orders from float64."""
    y = np.random.default_rng(0).standard_normal((1, 10))
    lucky, other = (y + error * np.ptp(y) for error in (1e-7, 5e-7))
    far = (y + 6e-6 * np.ptp(y)).astype(np.float64)
    alone = Expected("natural", (lucky,), (y,))
    both = Expected("natural", (lucky,), (y,), reordered=(other,))
    limits = limits_for("onnx", "fp32")
    assert not all(case.passed for case in judge(alone, [far], limits))
    assert all(case.passed for case in judge(both, [far], limits))
