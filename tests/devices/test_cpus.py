"""
Every engine in 32 and 8 bits on three kinds of processor, against this machine's outputs.

cortex-a72 has neither dot products nor half floats, cortex-a76 has both, `max` all that qemu knows
(SVE2, i8mm): each makes the runtimes choose other kernels.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from attnbench.devices import DEVICES
from attnbench.emulation import CPUS, MACHINES, down, up
from attnbench.parity.inputs import standard_inputs
from attnbench.progress import Silent
from attnbench.runner import Job, compute
from tests.devices.artifacts import BACKENDS
from tests.devices.quantised import Quantised

pytestmark = [pytest.mark.emulated, pytest.mark.slow]

FP32_RELATIVE = 1e-5
"""Of the output's range: sums in another order round otherwise, 6e-8 each; a fault is far above."""

STEPS = 1
"""
Of the output's quantisation. Integer sums are exact, and the same everywhere; what may differ is
how a tie is rounded when a sum is brought back to 8 bits.
"""

SNR_DB = 10.0
"""
Of the dequantised outputs against float32, for an image like those of the calibration: what
computes something else is at 0. Random weights quantise badly: 13 (tflite), 22 (executorch) and 29
dB (onnx) were measured on x86_64.
"""


@pytest.fixture(scope="module")
def models(artifacts, tmp_path_factory) -> dict[str, tuple[Path, Quantised]]:
    folder = tmp_path_factory.mktemp("quantised")
    for backend in ("onnx", "tflite"):
        path = Path(artifacts[backend].path)
        shutil.copy(path, folder / f"tiny{path.suffix}")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-m", "tests.devices.quantised", folder, artifacts["executorch"].path]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    made = msgspec.json.decode((folder / "models.json").read_bytes(), type=dict[str, Quantised])
    return {backend: (folder / one.file, one) for backend, one in made.items()}


@pytest.fixture(scope="module", params=CPUS)
def device(request, emulation, tmp_path_factory):
    """A phone with that processor: the one that all share, or one of this module's own."""
    machine = replace(MACHINES["pixel4"], cpu=request.param)
    with pytest.MonkeyPatch.context() as patch:
        own = machine != MACHINES["pixel4"]
        if own:
            patch.setenv("ATTNBENCH_EMULATED", str(tmp_path_factory.mktemp(request.param)))
        up(machine, Silent())
        found = DEVICES.get("pixel4-emulated")
        assert found.reached.emulated == request.param
        yield found
        found.close()
        if own:
            down("pixel4")


def both(device, job: Job, sets: list[list[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """What is computed there, and here."""
    return outputs(compute(replace(job, place=device.place), sets)), outputs(compute(job, sets))


def outputs(computed: list[list[np.ndarray]]) -> np.ndarray:
    """The only output of each set, one row a set."""
    return np.stack([one.ravel() for (one,) in computed])


@pytest.mark.parametrize("backend", BACKENDS)
def test_fp32(device, artifacts, backend):
    artifact = artifacts[backend]
    job = Job(BACKENDS[backend], Path(artifact.path), artifact.sha256)
    there, here = both(device, job, list(standard_inputs(artifact.inputs).values()))
    assert np.abs(there - here).max() <= FP32_RELATIVE * np.ptp(here)


@pytest.mark.parametrize("backend", BACKENDS)
def test_int8(device, artifacts, models, backend):
    path, told = models[backend]
    artifact = artifacts[backend]
    plain = standard_inputs(artifact.inputs)
    images = [plain[name] for name in ("natural", "noise")]
    job = Job(BACKENDS[backend], path)
    there, here = both(device, job, [[_as_input(one, told) for one in image] for image in images])
    there, here = _as_output(there, told), _as_output(here, told)
    apart = np.abs(there - here).max() / told.step
    exact = outputs(compute(Job(BACKENDS[backend], Path(artifact.path)), images[:1]))
    snr_db = 10 * np.log10(np.square(exact).sum() / np.square(there[:1] - exact).sum())
    print(f"{device.reached.emulated} {backend}: {apart:.3f} steps apart, {snr_db:.1f} dB")
    assert apart <= STEPS + 1e-3  # steps are float32 themselves
    assert snr_db >= SNR_DB


def _as_input(array: np.ndarray, told: Quantised) -> np.ndarray:
    if told.input_scale is None:
        return array
    return np.clip(np.round(array / told.input_scale) + told.input_zero, -128, 127).astype(np.int8)


def _as_output(array: np.ndarray, told: Quantised) -> np.ndarray:
    if array.dtype != np.int8:
        return array.astype(np.float64)
    return told.step * (array.astype(np.float64) - told.output_zero)
