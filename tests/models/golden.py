"""Outputs of the authors' own code, kept outside of the repository; tests skip where absent."""

import json
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

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
