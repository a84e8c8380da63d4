"""Attention blocks and mobile backbones in plain PyTorch; no knowledge of exporters or devices."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from attnbench_models.recipe import Recipe

if TYPE_CHECKING:
    from attnbench_models.build import block_paths, create_block, create_model
    from attnbench_models.cost import Cost, count
    from attnbench_models.errors import ModelError
    from attnbench_models.official import load_checkpoint, load_official
    from attnbench_models.weights import Calibration, calibrate

__all__ = [
    "Calibration",
    "Cost",
    "ModelError",
    "Recipe",
    "block_paths",
    "calibrate",
    "count",
    "create_block",
    "create_model",
    "load_checkpoint",
    "load_official",
]

_HOME = {
    "Calibration": "weights",
    "Cost": "cost",
    "ModelError": "errors",
    "block_paths": "build",
    "calibrate": "weights",
    "count": "cost",
    "create_block": "build",
    "create_model": "build",
    "load_checkpoint": "official",
    "load_official": "official",
}


def __getattr__(name: str) -> object:
    """Import torch only when something that needs it is asked for: `--help` must be quick."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
