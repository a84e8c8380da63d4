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
    from attnbench_models.pruning import Pruned, prune_channels, sparsity_penalty
    from attnbench_models.weights import Calibration, calibrate

__all__ = [
    "Calibration",
    "Cost",
    "ModelError",
    "Pruned",
    "Recipe",
    "block_paths",
    "calibrate",
    "count",
    "create_block",
    "create_model",
    "load_checkpoint",
    "load_official",
    "prune_channels",
    "sparsity_penalty",
]

_HOME = {
    "Calibration": "weights",
    "Cost": "cost",
    "ModelError": "errors",
    "Pruned": "pruning",
    "block_paths": "build",
    "calibrate": "weights",
    "count": "cost",
    "create_block": "build",
    "create_model": "build",
    "load_checkpoint": "official",
    "load_official": "official",
    "prune_channels": "pruning",
    "sparsity_penalty": "pruning",
}


def __getattr__(name: str) -> object:
    """Import torch only when something that needs it is asked for: `--help` must be quick."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
