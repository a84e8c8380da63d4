"""Labels of pixels in fewer bits: the rounded reference's, wherever it is sure of them."""

from __future__ import annotations

import numpy as np
import pytest

from attnbench.devices import DEVICES
from attnbench.parity.limits import limits_for
from attnbench.parity.segmentation import mean_iou, sure
from attnbench.pipeline.parity import ask, verify
from attnbench.pipeline.reference import reference_of
from attnbench.pipeline.rounded import BLIND_SHARE
from attnbench_models import Recipe
from tests.backends.test_labels import SIZE, labelling
from tests.conformance.backend import failures
from tests.converting import converted


def made(factory, precision, folder):
    model = f"tests.backends.test_labels:{factory}"
    return converted(Recipe(model=model, size=SIZE, precision=precision), "onnx", folder)


def test_labels_are_judged_where_rounding_does_not_decide_them(tmp_path):
    artifact = made("labelling", "fp16", tmp_path)
    question = ask(reference_of(artifact), artifact)
    limits = limits_for("onnx", "fp16")
    assert all(sure(one.margins, limits).mean() > 0.9 for one in question.expected)
    verdict = verify(artifact, question, DEVICES.get("host"))
    assert failures(verdict) == []
    assert {case.metric for case in verdict.cases} == {"mislabelled", "ties"}
    assert verdict.blind == ()
    assert "of labels differ (mIoU" in verdict.notes[-1]


def test_eight_bits_that_decide_most_labels_themselves_pass_blind(tmp_path):
    artifact = made("labelling", "int8", tmp_path)
    question = ask(reference_of(artifact), artifact)
    verdict = verify(artifact, question, DEVICES.get("host"))
    assert failures(verdict) == []
    known = [sure(one.margins, limits_for("onnx", "int8")).mean() for one in question.expected]
    assert 0 < max(known) < BLIND_SHARE
    assert [f"labels of {1 - max(known):.0%}" in reason for reason in verdict.blind] == [True]


def test_a_resize_that_aligns_corners_fails_in_eight_bits(tmp_path):
    artifact = made("aligned", "int8", tmp_path)
    verdict = verify(artifact, ask(labelling(), artifact), DEVICES.get("host"))
    assert any("mislabelled" in line for line in failures(verdict))


def test_miou_is_the_mean_over_classes_of_what_both_have_of_what_either_has():
    reference = np.array([[0, 0, 1, 1]])
    assert mean_iou(reference, reference) == 1
    # Class 0: 1 of 2 pixels, class 1: 2 of 3.
    assert mean_iou(reference, np.array([[0, 1, 1, 1]])) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert mean_iou(reference, np.full((1, 4), 2)) == 0
