"""Every block computes in the runner, bit for bit, what the official packages compute."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from attnbench.backends import FORMATS
from attnbench.parity.inputs import standard_inputs
from attnbench.runner import Job, compute
from tests.slices import BLOCKS

RUN_HERE = [name for name, one in FORMATS.items() if one.engine]


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("backend", RUN_HERE)
def test_the_runner_is_bit_identical_to_the_runtimes_python_package(
    backend, block, convert, tmp_path
):
    artifact = convert(backend, block)
    engine = FORMATS[backend].engine
    inputs = standard_inputs(artifact.inputs)
    np.savez(tmp_path / "inputs.npz", **{f"{name}/0": one for name, (one,) in inputs.items()})
    command = [sys.executable, "-m", "tests.runner.official", engine, artifact.path]
    done = subprocess.run(
        [*command, str(tmp_path / "inputs.npz")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    got = compute(Job(engine, Path(artifact.path), artifact.sha256), list(inputs.values()))
    with np.load(tmp_path / "inputs.npz.out.npz") as official:
        for name, (output,) in zip(inputs, got, strict=True):
            assert np.array_equal(output, official[f"{name}/0"]), name
