from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from attnbench.runner import Job, build

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = {"onnxruntime": ".onnx", "litert": ".tflite", "executorch": ".pte"}


def python(*arguments: object) -> None:
    argv = [sys.executable, *map(str, arguments)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def runner() -> Path:
    return build()


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Callable[[str], Path]:
    """engine -> the small net for it, exported once a session."""
    folder = tmp_path_factory.mktemp("exported")

    def export(engine: str) -> Path:
        file = folder / f"net{SUFFIXES[engine]}"
        if not file.exists():
            python("-m", "tests.runner.export", engine, file)
        return file

    return export


@pytest.fixture(scope="session")
def input_sets() -> dict[str, list[np.ndarray]]:
    random = np.random.default_rng(0)
    shapes = [(1, 3, 32, 32), (1, 16, 16, 16)]
    return {
        "normal": [random.standard_normal(shape, np.float32) for shape in shapes],
        "saturating": [1e4 * random.standard_normal(shape, np.float32) for shape in shapes],
        "zero": [np.zeros(shape, np.float32) for shape in shapes],
    }


@pytest.fixture(scope="session")
def inputs(input_sets) -> list[np.ndarray]:
    return input_sets["normal"]


@pytest.fixture(scope="session")
def official(exported, input_sets, tmp_path_factory) -> Callable[[str], dict[str, list]]:
    """engine -> the outputs of its official Python package, by name of the input set."""

    def predict(engine: str) -> dict[str, list[np.ndarray]]:
        file = tmp_path_factory.mktemp("official") / "inputs.npz"
        np.savez(
            file,
            **{
                f"{name}/{number}": array
                for name, arrays in input_sets.items()
                for number, array in enumerate(arrays)
            },
        )
        python("-m", "tests.runner.official", engine, exported(engine), file)
        with np.load(f"{file}.out.npz") as stored:
            return {
                name: [stored[key] for key in sorted(stored) if key.startswith(f"{name}/")]
                for name in input_sets
            }

    return predict


@pytest.fixture
def make_job(exported) -> Callable[..., Job]:
    """(engine, **changes) -> the job that computes the small net there."""

    def make(engine: str, **changes: object) -> Job:
        return Job(**{"engine": engine, "model": exported(engine), **changes})

    return make
