"""Faults in a block that is known, in files of fewer bits, found in that block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from attnbench.devices import DEVICES
from attnbench.files import digest
from attnbench.pipeline.localise import localise, searching
from attnbench.pipeline.parity import ask, verify
from attnbench.pipeline.reference import reference_of
from attnbench.pipeline.reproduce import main
from attnbench.records import Artifact, Divergence
from tests.mutation.faults import FILES
from tests.pipeline.damage import damaged

pytestmark = pytest.mark.slow

HOST = "host"

CASES = (
    ("onnx", "coord", "int8"),
    ("onnx", "coord", "fp16"),
    ("tflite", "coord", "int8"),
    ("tflite", "coord", "fp16"),
    ("executorch", "se", "int8"),
    ("executorch", "none", "fp16"),
    ("coreml", "se", "fp16"),
    ("coreml", "coord", "int8"),
)

OPERATORS = (
    ("onnx", "coord", "int8", "features.1.attention", "tanh for sigmoid"),
    ("tflite", "coord", "int8", "features.0.attention", "sum for product"),
)
"""The block that an operator is in, and what is wrong with it."""

Search = Callable[[Artifact], Divergence]


@pytest.fixture
def search(tmp_path) -> Search:
    """What is found in an artifact, judged on the host."""

    def search(artifact: Artifact) -> Divergence:
        host = DEVICES.get(HOST)
        question = ask(reference_of(artifact), artifact)
        return localise(artifact, verify(artifact, question, host), question, host, tmp_path)

    return search


def shifted(weights: np.ndarray) -> np.ndarray:
    """Every filter in the place of the one before."""
    return np.roll(weights, 1, 0 if weights.shape[0] > 1 else -1)


@pytest.mark.parametrize(("backend", "block", "precision"), CASES)
def test_a_changed_weight_is_found_in_its_block_and_shown_again(
    convert, search, tmp_path, capsys, backend, block, precision
):
    clean = convert(backend, block, precision)
    found = search(damaged(clean, "features.0.depthwise.conv", tmp_path, shifted))
    assert found.block.path == "features.0"
    assert found.confirmed
    assert found.operator.path in ("features.0.depthwise.conv", "features.0.depthwise.act")
    assert found.method == ("linear" if precision == "int8" else "bisection")
    assert found.observer == "same"
    assert any(f"rounded to {precision}" in note for note in found.notes)
    folder = Path(found.repro)
    assert f"rounded to {precision}" in (folder / "README.md").read_text()
    assert main(["reproduce", str(folder)]) == 1
    assert f"{found.alone.metric} is {found.alone.value}" in capsys.readouterr().out
    (folder / "expected.npy").write_bytes((folder / "got.npy").read_bytes())
    assert main(["reproduce", str(folder)]) == 0


@pytest.mark.parametrize(("backend", "block", "precision", "path", "kind"), OPERATORS)
def test_a_wrong_operator_is_found_in_its_block(
    convert, search, tmp_path, backend, block, precision, path, kind
):
    clean = convert(backend, block, precision)
    file = FILES[backend](clean)
    at = next(
        at
        for at, node in enumerate(file.nodes)
        if node.path == path and kind in dict(file.options(at))
    )
    target = tmp_path / Path(clean.path).name
    target.write_bytes(dict(file.options(at))[kind]())
    weights = Path(clean.path).with_name(clean.reference.file)
    (tmp_path / weights.name).write_bytes(weights.read_bytes())
    found = search(replace(clean, path=str(target), sha256=digest(target)))
    assert found.block.path == path
    assert found.confirmed
    assert found.operator.path == path


@pytest.mark.parametrize(("backend", "block", "precision"), CASES)
def test_in_a_clean_file_every_block_is_right_in_place_and_alone(
    convert, backend, block, precision
):
    artifact, host = convert(backend, block, precision), DEVICES.get(HOST)
    question = ask(reference_of(artifact), artifact)
    looked = searching(artifact, question.inputs, question.limits(artifact), host)
    found = looked.injecting(failed=True)
    assert found.at is None, looked.path(found.at)
    assert f"{len(looked.places)} of {len(looked.places)} were run" in found.notes[0]
    assert looked.find(failed=False).at is None
    assert all(looked.right(at) for at in range(len(looked.places)))
    seen = {place.block.path for place in looked.places}
    assert {one.path for one in artifact.blocks if one.kind == "attention"} <= seen
