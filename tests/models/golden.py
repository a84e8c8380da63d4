"""Outputs of the authors' own code, kept outside of the repository; tests skip where absent."""

import json
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from attnbench_models import load_official

ROOT = Path(os.environ.get("ATTNBENCH_GOLDEN", Path(__file__).parents[3] / "shared" / "golden"))

needs_golden = pytest.mark.skipif(
    not (ROOT / "index.json").is_file(), reason=f"no golden data in {ROOT}; set ATTNBENCH_GOLDEN"
)


def entry(name):
    entries = json.loads((ROOT / "index.json").read_text())["entries"]
    return (entries | json.loads((ROOT / "index_timm.json").read_text()))[name]


def arrays(name):
    with np.load(ROOT / f"{name}.npz") as stored:
        return {key: stored[key] for key in stored.files}


def stored_state(data):
    return {
        key.removeprefix("state/"): torch.from_numpy(value)
        for key, value in data.items()
        if key.startswith("state/")
    }


def filled_state(name):
    """The weights of a whole model, by the rule in the index: drawn from each key's checksum."""
    shapes = entry(name)["state_keys"]
    return {key: _fill(key, shape) for key, shape in shapes.items() if shape}


def _fill(key, shape):
    rs = np.random.RandomState(zlib.crc32(key.encode()) & 0xFFFFFFFF)
    if key.endswith(("running_mean", "bias")):
        value = 0.1 * rs.standard_normal(shape)
    elif key.endswith("pos_embed"):
        value = rs.standard_normal(shape)
    elif key.endswith("running_var") or len(shape) == 1:
        value = rs.uniform(0.5, 1.5, shape)
    else:
        value = rs.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    return torch.from_numpy(np.asarray(value, dtype=np.float32))


def check_module(name, module):
    """
    With the stored weights it has as many parameters, and its output to 1e-10, in float64.

    Returns the layout of the weights.
    """
    data = arrays(name)
    layout = load_official(module, stored_state(data))
    assert sum(p.numel() for p in module.parameters()) == entry(name)["params"]
    check_output(module.eval().double(), data)
    return layout


def check_output(compute, data):
    """What is computed of the stored inputs, in float64, is the stored output."""
    inputs = [data[key] for key in sorted(data) if key.startswith("input")]
    with torch.inference_mode():
        y = compute(*(torch.from_numpy(x).double() for x in inputs)).numpy()
    assert np.abs(y - data["output_f64"]).max() < 1e-10


def check_model(name, model, stages):
    """
    The logits agree to 1e-9, those in float32 as far as float32 does, and so does every stage.

    `stages` are modules of ours by the authors' names of them. Returns the layout of the weights.
    """
    data, layout = arrays(name), load_official(model, filled_state(name))
    image = np.random.RandomState(1234).standard_normal((1, 3, 224, 224)).astype(np.float32)
    y32, stages32 = _run_in_stages(model.eval(), stages, torch.from_numpy(image))
    y64, stages64 = _run_in_stages(model.double(), stages, torch.from_numpy(image).double())
    expected = data["output_f64"]
    assert np.abs(y64 - expected).max() < 1e-9 * np.abs(expected).max()
    assert np.abs(y32 - expected).max() < 10 * entry(name)["f32_vs_f64_maxabs"]
    assert set(stages64) == {key for key in data if key.startswith("feat")}
    for stage, value in stages64.items():  # theirs are float32: as far off as ours in float32
        gap = np.abs(stages32[stage] - value).max()
        assert np.abs(data[stage] - value).max() <= 10 * gap, stage
    return layout


def _run_in_stages(model, stages, image):
    seen = {}

    def note(stage, y):
        seen[f"featmean/{stage}"] = y.mean((2, 3)).numpy()
        seen[f"featmax/{stage}"] = y.amax((2, 3)).numpy()

    hooks = [
        module.register_forward_hook(lambda _, __, y, stage=stage: note(stage, y))
        for stage, module in stages.items()
    ]
    with torch.inference_mode():
        y = model(image).numpy()
    for hook in hooks:
        hook.remove()
    return y, seen
