"""A model of the user's own, backends that cannot run here, and that nothing phones home."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from attnbench.files import copy
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


def coreml_line(said: Said) -> list[str]:
    return [line for line in said.err.splitlines() if line.startswith("coreml: ")]


def test_coreml_is_judged_by_its_program_and_the_reports_say_so(cli, project, tmp_path):
    files = tmp_path / "parity.xml", tmp_path / "parity.md"
    written = ("--junit", str(files[0]), "--markdown", str(files[1]))
    said = cli(project, "parity", *MODEL, "--to", "onnx,coreml", *written)
    assert said.code == 0, said.err
    assert coreml_line(said) == []
    assert "Parity with PyTorch passes: onnx." in said.out
    for text in (said.out, *(file.read_text() for file in files)):
        assert "program verified, runtime not run" in " ".join(text.split())


def test_json_tells_a_program_from_a_runtime(cli, project):
    said = cli(project, "parity", *MODEL, "--to", "onnx,coreml", "--json")
    assert said.code == 0, said.err
    found = {one["backend"]: one for one in said.document["artifacts"]}
    assert found["onnx"]["evidence"] == "runtime"
    assert found["coreml"]["evidence"] == "program"
    assert found["coreml"]["notes"][0].startswith("program verified, runtime not run")


def test_coreml_alone_is_not_timed(cli, project):
    said = cli(project, "profile", *MODEL, "--to", "coreml")
    assert (said.code, said.out) == (2, "")
    assert said.errors == ["error: coreml: there is no runtime for it on this system"]


def test_run_judges_coreml_and_says_that_it_is_not_timed(cli, project, tmp_path):
    said = cli(project, "run", *MODEL, "--to", "coreml", "--runs", str(tmp_path))
    assert said.code == 0, said.err
    assert coreml_line(said) == [
        "coreml: judged, not timed: there is no runtime for it on this system"
    ]
    assert "coreml: program verified, runtime not run." in said.out
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".html", ".md"}


def test_a_device_has_no_core_ml(cli, project):
    said = cli(project, "parity", *MODEL, "--to", "coreml", "--device", "pixel4")
    assert (said.code, said.out) == (2, "")
    assert said.errors == ["error: coreml: its program is computed on host alone, not on pixel4"]


def test_a_coreml_file_is_judged_and_one_that_is_damaged_fails(cli, project, exported, tmp_path):
    [path] = [one["path"] for one in exported.document["artifacts"] if one["backend"] == "coreml"]
    assert cli(project, "parity", path).code == 0
    theirs = tmp_path / "theirs.mlpackage"
    copy(project / path, theirs)
    weights = theirs / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    said = cli(project, "parity", str(theirs), *MODEL[:2])
    assert said.code == 0, said.err
    weights.write_bytes(weights.read_bytes()[:-1])
    said = cli(project, "parity", str(theirs), *MODEL[:2])
    assert said.code == 2
    assert "cut short" in said.errors[0]


def test_an_operator_that_is_not_computed_stops_no_other(cli, project):
    unknown = ("--model", "my_models:unknown", "--size", "16")
    said = cli(project, "parity", *unknown, "--to", "onnx,coreml")
    assert said.code == 6
    assert len(said.errors) == 1
    assert re.search(r"operator \w+ \(\w+\) is not computed here", said.errors[0])
    assert "Parity with PyTorch passes: onnx." in said.out
    said = cli(project, "parity", *unknown, "--to", "coreml")
    assert (said.code, said.out) == (6, "")


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
