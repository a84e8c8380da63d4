"""Top-1 of a reference and an artifact on the same images, and McNemar's exact test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from attnbench.cli.dataset_option import folder_of
from attnbench.devices import DEVICES
from attnbench.errors import BadInput, BadOption
from attnbench.parity.accuracy import Accuracy
from attnbench.parity.inputs import Images, image_inputs
from attnbench.pipeline.accuracy import accuracy, held_to
from attnbench.pipeline.reference import reference_of
from tests.report.invented import run as shown

CLASSES = 10


def test_pairs_are_counted_and_the_p_is_the_binomials():
    one = Accuracy.of([0] * 12, [0] * 9 + [1] * 3, [0] + [1] * 8 + [0, 1, 1])
    assert one == Accuracy(both=1, reference_alone=8, artifact_alone=1, neither=2)
    # Nine of which at most one goes the other way: 2 * (1 + 9) / 2 ** 9.
    assert one.p == pytest.approx(20 / 512)
    assert "top-1 16.7%, PyTorch in float32 75.0% of 12 images" in str(one)


def test_who_agrees_on_all_is_not_told_apart():
    assert Accuracy(5, 0, 0, 3).p == 1


@pytest.mark.parametrize(
    ("found", "fails", "blind", "note"),
    [
        (Accuracy(980, 2, 1, 17), False, False, False),  # -0.1 %: accepted
        (Accuracy(950, 25, 3, 22), True, False, False),  # -2.2 %, p = 3e-5
        (Accuracy(600, 24, 14, 62), False, True, False),  # -1.4 % of 700 images, p = 0.1
        (Accuracy(15, 1, 0, 4), False, True, False),  # -5 % of 20 images
        (Accuracy(15, 0, 0, 5), False, False, True),  # nothing differs in 20 images
    ],
)
def test_a_drop_fails_if_it_is_too_large_and_no_chance(found, fails, blind, note):
    (case, *_) = (verdict := shown().verdicts[0]).cases
    judged = held_to(replace(verdict, cases=(case,)), "val", found, 0.01)
    assert [one.metric for one in judged.cases] == [case.metric, "top1_drop"]
    assert (not judged, bool(judged.blind), bool(judged.notes)) == (fails, blind, note)


@pytest.fixture
def folder(tmp_path):
    """Two images of noise for each class."""
    image = pytest.importorskip("PIL.Image", reason="pip install pillow")
    rng = np.random.default_rng(9)
    for label in range(CLASSES):
        (tmp_path / f"class{label}").mkdir()
        for at in range(2):
            pixels = rng.integers(0, 255, (24, 32, 3), np.uint8)
            image.fromarray(pixels).save(tmp_path / f"class{label}" / f"{at}.png")
    return tmp_path


def test_every_image_is_seen_by_both(convert, folder):
    artifact = convert("onnx", "none", "int8")
    found = accuracy(artifact, Images(folder), DEVICES.get("host"))
    assert found.images == 2 * CLASSES
    module, right = reference_of(artifact), 0
    for label in range(CLASSES):
        shown = image_inputs(Images(folder / f"class{label}"), artifact.inputs[0])
        for (array,) in shown.values():
            with torch.inference_mode():
                right += int(module(torch.from_numpy(array)).argmax()) == label
    assert found.both + found.reference_alone == right


def test_a_folder_of_another_number_of_classes_is_refused(convert, folder):
    for one in (folder / "class0").iterdir():
        one.unlink()
    (folder / "class0").rmdir()
    with pytest.raises(BadInput, match="9 classes"):
        accuracy(convert("onnx", "none", "int8"), Images(folder), DEVICES.get("host"))


@pytest.mark.parametrize("text", ["photos", "coco:photos", "imagefolder:/nowhere/at/all"])
def test_another_dataset_is_refused(text):
    with pytest.raises(BadOption, match="--dataset"):
        folder_of(text)
