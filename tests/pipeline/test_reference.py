"""The module that an artifact is judged against is made again from the weights beside it."""

import hashlib

import pytest
import torch

from attnbench.pipeline.reference import module_for, weights_for
from attnbench_models import Recipe, create_model

SMALL = {"block": "nam", "width": 0.35, "size": (32, 32), "num_classes": 4}


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """A checkpoint of a model that has learned to do without some channels, and its digest."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    torch.manual_seed(0)
    model = create_model("mobilenetv2", "nam", width=0.35, num_classes=4)
    with torch.no_grad():
        model.features[3].depthwise.norm.weight[:5] = 0
    path = tmp_path / "sparse.pth"
    torch.save(model.state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"checkpoint": str(path), "checkpoint_sha256": digest}


@pytest.mark.parametrize("prune", [None, 0.0])
def test_from_a_checkpoint_with_a_digest(checkpoint, prune):
    recipe = Recipe(**SMALL, **checkpoint, prune=prune)
    made, again = module_for(recipe), module_for(recipe, weights_for(recipe, recipe.key))
    assert made.features[3].project.conv.in_channels == (48 if prune is None else 43)
    x = torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(made(x), again(x))
