"""
Our TFLite files in tflite-runtime 2.14, the last of its name, which many boards still have.

It wants NumPy 1, so it has an environment of its own: `make tflite-runtime`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from attnbench.graphs.tflite import MAGIC
from attnbench.parity.judge import judge
from attnbench.pipeline.parity import ask
from attnbench.pipeline.reference import reference_of
from attnbench.records import Artifact
from attnbench_models import Recipe
from tests.converting import converted
from tests.mutation.subjects import recipe

PYTHON = Path(__file__).parents[2] / ".venv-tflite-runtime" / "bin" / "python"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="no environment of tflite-runtime here: make tflite-runtime"
    ),
]

ZOO = {
    "mobilenetv2 with coord": Recipe(block="coord", width=0.35, size=(32, 32)),
    "a slice of seaformer": recipe("seaformer"),
}


@dataclass(frozen=True)
class Ran:
    """What the worker said, and the outputs by the names of their inputs."""

    version: str
    lacks: str | None
    outputs: dict[str, np.ndarray]


Run = Callable[[Path, dict[str, np.ndarray]], Ran]


@pytest.fixture
def run(tmp_path) -> Run:
    def run(model: Path, inputs: dict[str, np.ndarray]) -> Ran:
        worker = Path(__file__).with_name("worker.py")
        np.savez(tmp_path / "in.npz", **inputs)
        files = [model, tmp_path / "in.npz", tmp_path / "out.npz"]
        done = subprocess.run(
            [PYTHON, worker, *files], capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        made = dict(np.load(files[2])) if files[2].exists() else {}
        return Ran(**json.loads(done.stdout.splitlines()[-1]), outputs=made)

    return run


@pytest.fixture(scope="module", params=ZOO)
def artifact(request, tmp_path_factory) -> Artifact:
    return converted(ZOO[request.param], "tflite", tmp_path_factory.mktemp("zoo"))


def test_it_computes_what_pytorch_computes(artifact, run):
    question = ask(reference_of(artifact), artifact)
    ran = run(Path(artifact.path), {name: array for name, (array,) in question.inputs.items()})
    assert ran.lacks is None, f"tflite-runtime {ran.version} has no {ran.lacks}"
    assert ran.version.startswith("2.14")
    for expected in question.expected:
        cases = judge(expected, [ran.outputs[expected.name]], question.limits(artifact))
        assert cases
        assert [case for case in cases if not case.passed] == []


def test_it_says_which_version_of_an_operator_it_lacks(artifact, run, tmp_path):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(Path(artifact.path).read_bytes(), 0))
    code = next(
        one for one in model.operatorCodes if one.builtinCode == schema.BuiltinOperator.CONV_2D
    )
    code.version = 99
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), MAGIC)
    path = tmp_path / "newer.tflite"
    path.write_bytes(bytes(builder.Output()))
    ran = run(path, {})
    assert ran.lacks == "CONV_2D version 99"
    assert ran.outputs == {}
