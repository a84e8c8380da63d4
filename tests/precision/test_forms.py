"""A form that is faster in eight bits must not be less accurate than what it replaces."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from attnbench.devices import DEVICES
from attnbench.parity.metrics import snr_db
from attnbench.pipeline.computed import outputs_of
from attnbench.pipeline.reference import reference_of
from attnbench.records import Artifact
from attnbench.rewrites import REWRITES
from attnbench_models.natural import natural_images
from tests.converting import converted
from tests.slices import SIZE

IMAGES = 96
"""Of eight the ratio moves by 2 dB with nothing but how numbers happen to be rounded."""

BY_CHANCE_DB = 1.0
"""Of so many it moves by tenths; a form that loses a bit loses 6 dB."""


def accuracy_db(artifact: Artifact) -> float:
    """How far the outputs for some images, none of them calibrated on, are from float32."""
    images = [natural_images(1, SIZE, seed) for seed in range(IMAGES)]
    got = outputs_of(artifact, [[one.numpy()] for one in images], DEVICES.get("host"))
    with torch.inference_mode():
        wanted = reference_of(artifact)(torch.cat(images)).numpy()
    return snr_db(wanted, np.concatenate([one for (one,) in got]))


@pytest.mark.parametrize("backend", ["onnx", "tflite", "executorch"])
def test_coord_is_as_accurate_as_when_exported_plainly(convert, tmp_path, backend):
    ours = convert(backend, "coord", "int8")
    plain = converted(ours.recipe, backend, tmp_path, skip=tuple(one.name for one in REWRITES))
    assert ours.rewrites != plain.rewrites == ()
    assert accuracy_db(ours) > accuracy_db(plain) - BY_CHANCE_DB


@pytest.mark.parametrize("backend", ["tflite", "executorch"])
def test_coord_is_one_delegate_and_nothing_outside(convert, backend):
    delegation = convert(backend, "coord", "int8").delegation
    assert (delegation.delegates, delegation.outside) == (1, ())
