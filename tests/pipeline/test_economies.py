"""A converter that is spared its repetitions writes the same file."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.export import default_decompositions

from attnbench.backends import FORMATS
from attnbench.files import digest
from attnbench.pipeline import worker
from attnbench.pipeline.economies import economies, is_decomposed
from attnbench_models import Recipe
from tests.converting import converted
from tests.slices import SIZE

with warnings.catch_warnings(action="ignore"):  # executorch warns of its own insides
    from executorch.backends.xnnpack.partition.graphs import bilinear_2d, sdpa

    from attnbench.backends import coreml, executorch
    from attnbench.backends.executorch_passes import SEEKS


@pytest.mark.parametrize("backend", FORMATS)
def test_the_file_is_the_same(backend, tmp_path, monkeypatch):
    def made(name):
        (tmp_path / name).mkdir()
        recipe = Recipe(model="tests.slices:coord", size=SIZE)
        artifact = converted(recipe, backend, tmp_path / name)
        return content(Path(artifact.path)), artifact.scopes

    spared = made("spared")
    monkeypatch.setattr(worker, "economies", nullcontext)
    monkeypatch.setattr(executorch, "only_useful_passes", nullcontext)
    monkeypatch.setattr(coreml, "checked_at_the_ends", nullcontext)
    assert made("whole") == spared


def content(path: Path) -> list[str]:
    """Of a file, or of a folder's files but the manifest, which has an identity of its own."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [digest(one) for one in files if one.is_file() and one.name != "Manifest.json"]


def test_what_is_left_of_a_first_decomposition_is_done_in_a_second():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Hardswish()).eval()
    traced = torch.export.export(net, (torch.zeros(1, 3, 4, 4),))
    table = default_decompositions()
    assert not is_decomposed(traced, {})  # its module may still change what it is given
    kept = traced.run_decompositions({})
    assert "aten.conv2d.default" in str(kept.graph)
    assert not is_decomposed(kept, table)
    done = kept.run_decompositions(table)
    assert is_decomposed(done, table)
    assert not is_decomposed(done, {torch.ops.aten.convolution.default: None})
    with economies():
        assert done.run_decompositions(table) is done
        assert kept.run_decompositions(table) is not kept


def test_a_pass_that_is_left_out_seeks_what_is_not_there():
    with warnings.catch_warnings(action="ignore"):
        patterns = {
            "ConvertToUpsampleBilinear2d": bilinear_2d.get_graphs(),
            "ConvertToSDPAPass": sdpa.get_graphs(),
        }
    for name, graphs in patterns.items():
        (sought,) = (op for one, op in SEEKS.items() if one.__name__ == name)
        for pattern in graphs:
            assert sought in {getattr(node.target, "__name__", "") for node in pattern.graph.nodes}
