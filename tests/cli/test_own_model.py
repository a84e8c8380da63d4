"""A model of the user's own, backends that cannot run here, and that nothing phones home."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attnbench.runner import build
from tests.cli.conftest import Said

MODEL = ("--model", "my_models:Gated", "--size", "32x24", "--blocks", "stages.*.gate")


@pytest.fixture(scope="module")
def exported(cli, project) -> Said:
    said = cli(project, "export", *MODEL, "--to", "onnx,coreml", "--json")
    assert said.code == 0, said.err
    return said


def blocks(said: Said) -> dict[str, str]:
    return {one["path"]: one["kind"] for one in said.document["artifacts"][0]["blocks"]}


def test_globs_name_the_attention(exported):
    found = blocks(exported)
    assert found["stages.0.gate"] == "attention"
    assert found["stem"] == found["head"] == "backbone"


def test_without_globs_there_is_none(cli, project):
    said = cli(project, "export", *MODEL[:4], "--to", "onnx", "--json")
    assert said.code == 0, said.err
    assert set(blocks(said).values()) == {"backbone"}


def test_coreml_is_passed_over_in_one_line(cli, project):
    said = cli(project, "parity", *MODEL, "--to", "onnx,coreml")
    assert said.code == 0, said.err
    assert [line for line in said.err.splitlines() if line.startswith("coreml: ")] == [
        "coreml: converted and listed; there is no runtime for it on this system"
    ]
    assert "onnx" in said.out


@pytest.mark.parametrize("command", ["parity", "profile", "run"])
def test_coreml_alone_is_refused(cli, project, command):
    said = cli(project, command, *MODEL, "--to", "coreml")
    assert (said.code, said.out) == (2, "")
    assert said.errors == ["error: coreml artifacts are converted and checked, not run here"]


def test_a_coreml_file_alone_is_no_pass(cli, project, exported):
    [path] = [one["path"] for one in exported.document["artifacts"] if one["backend"] == "coreml"]
    said = cli(project, "parity", path)
    assert (said.code, said.out) == (2, "")


def test_a_refusal_is_one_line_and_does_not_stop_the_others(cli, project):
    refused = ("--model", "my_models:refused", "--size", "16")
    said = cli(project, "export", *refused, "--to", "onnx,coreml", "--json")
    assert said.code == 4
    assert len(said.errors) == 2
    assert all("bessel_j0" in line for line in said.errors)
    assert said.document == {"schema": 1, "artifacts": []}
    said = cli(project, "parity", *refused, "--to", "onnx")
    assert (said.code, said.out) == (4, "")
    assert len(said.errors) == 1
    assert "bessel_j0" in said.errors[0]
    assert "Traceback" not in said.err


def test_a_failed_export_is_told_of_in_parity(cli, project, tmp_path):
    """One backend works, the other refuses: the verdict on the one, the reason of the other."""
    (tmp_path / "pooled.py").write_text(
        "from torch import nn\n\n\n"
        "def model():\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveMaxPool2d(1), nn.Flatten())\n"
    )
    words = ("--model", "pooled:model", "--size", "16", "--no-rewrite", "adaptive-max-to-amax")
    said = cli(tmp_path, "parity", *words, "--to", "onnx,executorch")
    assert said.code == 4
    assert len(said.errors) == 1
    assert "adaptive_max_pool2d" in said.errors[0]
    assert "onnx" in said.out


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x * 2", "x * 3"),  # in the code
        ("torch.tensor([1.0])", "torch.tensor([2.0])"),  # a constant of the graph
        ("torch.ones(3)", "torch.zeros(3)"),  # a buffer that no state dict has
        ("self.pool", "self.pooled"),  # a name without weights
    ],
)
def test_an_edited_model_is_another_export(cli, tmp_path, old, new):
    source = (
        "import torch\nfrom torch import nn\n\n\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.pool = nn.ReLU()\n"
        "        self.register_buffer('shift', torch.ones(3), persistent=False)\n\n"
        "    def forward(self, x):\n"
        "        x = self.pool(x * 2) + self.shift.view(1, 3, 1, 1)\n"
        "        return x * torch.tensor([1.0])\n"
    )
    words = ("export", "--model", "net:Net", "--size", "8", "--to", "onnx", "--json")
    (tmp_path / "net.py").write_text(source)
    first = cli(tmp_path, *words)
    assert first.code == 0, first.err
    assert old in source
    (tmp_path / "net.py").write_text(source.replace(old, new))
    second = cli(tmp_path, *words)
    assert second.code == 0, second.err
    paths = {said.document["artifacts"][0]["path"] for said in (first, second)}
    assert len(paths) == 2  # two identities, so two names


def test_nothing_phones_home_or_leaves_an_identity(cli, project, tmp_path):
    """ONNX Runtime would keep a database and a device id in the home directory."""
    home = tmp_path / "home"
    cache = home / ".cache" / "attnbench"
    cache.mkdir(parents=True)
    (cache / "runner").symlink_to(build().parents[1])
    empty = dict.fromkeys(("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), "")
    words = ("parity", *MODEL, "--to", "onnx", "--out", tmp_path / "out")
    said = cli(project, *words, HOME=str(home), ORT_DISABLE_TELEMETRY="", **empty)
    assert said.code == 0, said.err
    found = {path.relative_to(home) for path in home.rglob("*")}
    ours = Path(".cache", "attnbench")
    strange = [path for path in found if ours not in (path, *path.parents) and path != ours.parent]
    assert strange == []
    names = json.dumps(sorted(map(str, found))).lower()
    assert "onnxruntime" not in names
    assert "deviceid" not in names
