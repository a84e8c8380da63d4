"""Detections under the gate: of invented outputs, and of a detector that decodes wrongly."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from attnbench.parity.cases import Expected
from attnbench.parity.detection import CONFIDENT, RANKED, confident, ranking
from attnbench.parity.judge import judge
from attnbench.parity.limits import FACTOR, FLOOR, limits_for
from attnbench.pipeline.parity import ask
from attnbench.records import Artifact, Delegation, TensorSpec
from attnbench_models import Recipe
from attnbench_models.backbones.yolo_layers import Detections
from attnbench_models.build import build

LIMIT = limits_for("onnx", "fp32")
RNG = np.random.default_rng(0)
BOXES = RNG.uniform(8, 120, (2, 300, 4)).astype(np.float32)
SCORES = RNG.uniform(0, 1, (2, 300, 5)).astype(np.float32)


def expected(own_px=0.0, own_score=0.0):
    """A reference whose float32 boxes and scores are that far from float64."""
    wobble = np.where(np.arange(300) % 2, 1.0, -1.0)[:, None]
    exact = BOXES + own_px * wobble, SCORES + own_score * wobble
    return Expected("noise", (BOXES, SCORES), exact, names=("boxes", "scores"))


def cases(reference, boxes=BOXES, scores=SCORES):
    found = judge(reference, [boxes, scores], LIMIT, "detection")
    return {(case.input, case.metric): case for case in found}


def test_equal_detections_pass_in_every_metric():
    found = cases(expected())
    assert all(case.passed for case in found.values())
    assert {name for name, _ in found} == {"noise", "noise[boxes]", "noise[scores]"}
    assert {metric for name, metric in found if name == "noise"} == {"box", "score", "ranking"}


def test_boxes_are_told_in_pixels():
    moved = BOXES.copy()
    which = int(SCORES[0].max(axis=-1).argmax())
    moved[0, which, 3] += 2
    case = cases(expected(), moved)["noise", "box"]
    assert (case.value, case.unit, case.passed) == (pytest.approx(2, abs=1e-4), "px", False)


def test_a_box_that_nobody_would_report_does_not_count_among_those_that_count():
    moved, scores = BOXES.copy(), SCORES.copy()
    scores[:, 7], moved[:, 7] = 0.01, 0
    reference = Expected("noise", (BOXES, scores), (BOXES, scores), names=("boxes", "scores"))
    found = cases(reference, moved, scores)
    assert found["noise", "box"].passed
    assert not found["noise[boxes]", "max_error"].passed


def test_without_a_confident_candidate_the_best_one_counts():
    low = SCORES * CONFIDENT / 2
    assert confident(low).sum() == 1
    assert confident(low).ravel()[low.max(axis=-1).argmax()]
    assert (confident(SCORES) == (SCORES.max(axis=-1) >= CONFIDENT)).all()


@pytest.mark.parametrize(("times", "passes"), [(0.9, True), (1.1, False)])
def test_limits_follow_pytorchs_own_distance(times, passes):
    reference = expected(own_px=1e-3, own_score=1e-5)
    found = cases(reference, BOXES + np.float32(times * FACTOR * 1e-3))
    assert found["noise", "box"].limit == pytest.approx(FACTOR * 1e-3, rel=0.05)
    assert found["noise", "box"].passed == passes
    found = cases(reference, scores=SCORES + np.float32(times * FACTOR * 1e-5))
    assert found["noise", "score"].limit == pytest.approx(FACTOR * 1e-5, rel=0.05)
    assert found["noise", "score"].passed == passes


def test_the_unluckier_order_of_sums_sets_the_limits():
    other = BOXES + np.float32(1e-3), SCORES + np.float32(1e-5)
    found = cases(replace(expected(), reordered=other))
    assert found["noise", "box"].limit == pytest.approx(FACTOR * 1e-3, rel=0.05)
    assert found["noise", "score"].limit == pytest.approx(FACTOR * 1e-5, rel=0.05)


def test_a_reference_that_rounds_nothing_still_has_a_floor():
    found = cases(expected())
    assert found["noise", "score"].limit == FLOOR
    assert found["noise", "box"].limit == pytest.approx(FLOOR * (BOXES.max() - BOXES.min()))


def test_not_a_number_fails_boxes_and_scores():
    boxes, scores = np.full_like(BOXES, np.nan), np.full_like(SCORES, np.nan)
    found = cases(expected(), boxes, scores)
    assert not any(found["noise", metric].passed for metric in ("box", "score", "ranking"))
    assert found["noise", "box"].value is None


def test_only_ties_may_change_places():
    scores = np.linspace(1, 0, 2 * RANKED)[None, :, None]
    swapped = scores.copy()
    swapped[0, [3, 4]] = swapped[0, [4, 3]]
    gap = float(scores[0, 3, 0] - scores[0, 4, 0])
    assert ranking(scores, swapped, tie=0.9 * gap) == 1 - 2 / RANKED
    assert ranking(scores, swapped, tie=1.1 * gap) == 1
    swapped = scores.copy()
    swapped[0, [-1, -2]] = swapped[0, [-2, -1]]
    assert ranking(scores, swapped, tie=0) == 1, "nobody looks at what comes last"


class Wrong(torch.nn.Module):
    """A detector whose outputs are changed on their way out."""

    def __init__(self, model, change):
        super().__init__()
        self.model, self.change = model, change

    def forward(self, x):
        return self.change(self.model(x))


CHANGES = {
    "x and y swapped": lambda d: Detections(d.boxes[..., [1, 0, 2, 3]], d.scores),
    "width and height swapped": lambda d: Detections(d.boxes[..., [0, 1, 3, 2]], d.scores),
    "boxes in another order": lambda d: Detections(d.boxes.flip(1), d.scores),
    "all in another order": lambda d: Detections(d.boxes.flip(1), d.scores.flip(1)),
    "neighbours swapped": lambda d: Detections(d.boxes.roll(1, 1), d.scores.roll(1, 1)),
    "classes swapped": lambda d: Detections(d.boxes, d.scores.flip(2)),
    "corners for centres": lambda d: Detections(
        torch.cat([d.boxes[..., :2] - d.boxes[..., 2:] / 2, d.boxes[..., 2:]], -1), d.scores
    ),
}


@pytest.fixture(scope="module", params=["yolov5s", "yolov8n"])
def detector(request):
    recipe = Recipe(request.param, "coord", size=(64, 96), width=0.25, num_classes=4)
    model = build(recipe)
    spec = (TensorSpec("float32", (1, 3, *recipe.size)),)
    artifact = Artifact(
        path="none",
        backend="onnx",
        sha256="",
        bytes=0,
        recipe=recipe,
        recipe_key=recipe.key,
        reference=None,
        inputs=spec,
        outputs=(),
        tools={},
        rewrites=(),
        blocks=(),
        scopes=(),
        delegation=Delegation(0, 0),
    )
    return model, ask(model, artifact)


def judged(question, model):
    found = []
    with torch.inference_mode():
        for one in question.expected:
            (image,) = question.inputs[one.name]
            got = [tensor.numpy() for tensor in model(torch.from_numpy(image))]
            found += judge(one, got, LIMIT, "detection")
    return found


def test_the_reference_agrees_with_itself(detector):
    model, question = detector
    assert question.expected[0].names == ("boxes", "scores")
    assert all(case.passed for case in judged(question, model))


@pytest.mark.parametrize("change", CHANGES)
def test_a_detector_that_is_decoded_wrongly_fails(detector, change):
    model, question = detector
    found = judged(question, Wrong(model, CHANGES[change]))
    failed = {case.metric for case in found if not case.passed}
    assert failed & {"box", "score", "ranking"}, failed


def test_anchors_in_the_wrong_order_fail(detector):
    model, question = detector
    if not hasattr(model.head.decode, "anchors"):
        pytest.skip("YOLOv8 has no anchors")
    wrong = copy.deepcopy(model)
    wrong.head.decode.anchors = wrong.head.decode.anchors.flip(1)
    failed = {case.metric for case in judged(question, wrong) if not case.passed}
    assert {"box", "max_error"} <= failed
