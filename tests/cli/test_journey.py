"""Export, then parity and profile, as people type it: one small model, one backend."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image

from attnbench import artifacts
from tests.cli.conftest import SMALL, Said

pytestmark = pytest.mark.slow

EXPORT = ("export", "--block", "coord", "--to", "onnx", *SMALL)
QUICK = ("--launches", "1", "--iterations", "2")


@pytest.fixture(scope="module")
def exported(cli, project) -> Said:
    said = cli(project, *EXPORT, "--json")
    assert said.code == 0, said.err
    return said


@pytest.fixture
def artifact(exported, project) -> Path:
    return project / exported.document["artifacts"][0]["path"]


@pytest.fixture
def copied(artifact, tmp_path) -> Path:
    """The user's folder once more, to spoil."""
    shutil.copytree(artifact.parent, tmp_path / "artifacts")
    return tmp_path / "artifacts" / artifact.name


def test_export_is_one_document(exported):
    assert list(exported.document) == ["schema", "artifacts"]
    assert exported.document["schema"] == 1
    [one] = exported.document["artifacts"]
    assert {"backend", "path", "sha256", "bytes", "delegation"} <= set(one)
    assert one["backend"] == "onnx"
    assert one["recipe"]["block"] == "coord"
    assert one["tools"].keys() == {"torch", "onnx", "onnxscript", "onnxruntime"}
    assert {"path": "features.3.attention", "kind": "attention"} in one["blocks"]


def test_what_the_document_says_is_on_disk(exported, artifact):
    [one] = exported.document["artifacts"]
    assert artifact.stat().st_size == one["bytes"]
    assert artifacts.load(artifact).sha256 == one["sha256"]


def test_a_second_export_says_cached(cli, project, exported):
    said = cli(project, *EXPORT)
    assert said.code == 0
    assert "export onnx: cached" in said.err
    assert exported.document["artifacts"][0]["path"] in said.out  # whole, for scripts


def test_parity_takes_the_last_export_and_says_so(cli, project, exported, artifact):
    said = cli(project, "parity", "--json")
    assert said.code == 0, said.err
    assert f"taking what was exported last: {artifact.name}" in said.err
    document = said.document
    assert {"schema", "verdict", "artifacts"} <= set(document)
    assert (document["schema"], document["verdict"]) == (1, "pass")
    [one] = document["artifacts"]
    assert one["backend"] == "onnx"
    assert {case["input"] for case in one["cases"]} == {
        "natural",
        "noise",
        "constant",
        "saturating",
        *(f"natural {at}" for at in (2, 3, 4)),
    }
    for case in one["cases"]:
        assert {"input", "metric", "value", "limit", "passed"} <= set(case)
        assert case["passed"] is True


def test_profile_takes_the_last_export_and_says_so(cli, project, exported, artifact):
    said = cli(project, "profile", *QUICK, "--json")
    assert said.code == 0, said.err
    assert f"taking what was exported last: {artifact.name}" in said.err
    assert {"schema", "measurements"} <= set(said.document)
    [one] = said.document["measurements"]
    assert one["artifact"].keys() >= {"backend", "sha256", "recipe"}
    assert one["device"].keys() >= {"name", "emulated"}
    assert one["latency_ns"].keys() >= {"median", "low", "high"}
    assert one["paired"].keys() >= {"plain_ns", "traced_ns"}
    assert [len(run) for run in one["runs"]] == [2]
    assert one["residual"].keys() >= {"layout", "delegate_boundary", "runtime", "unattributed"}
    assert one["validity"].keys() >= {"ok", "warnings"}
    assert {"clock", "profiler_overhead_ns", "closure"} <= set(one)
    kinds = {block["path"]: block["kind"] for block in one["blocks"]}
    assert kinds["features.3.attention"] == "attention"
    assert kinds["features.3"] == "backbone"
    assert all(block.keys() >= {"path", "kind", "ns", "share"} for block in one["blocks"])
    assert list((project / "reports" / "runs").glob("*.json"))


def test_report_takes_the_newest_run_and_says_so(cli, project, exported):
    cli(project, "profile", *QUICK)
    newest = max((project / "reports" / "runs").glob("*.json")).name
    said = cli(project, "report", "--json")
    assert said.code == 0, said.err
    assert newest in said.err
    assert said.document["schema"] == 1
    assert said.document["measurements"]


def test_parity_writes_junit_and_markdown(cli, project, exported, tmp_path):
    said = cli(
        project, "parity", "--junit", tmp_path / "j.xml", "--markdown", tmp_path / "sub" / "m.md"
    )
    assert said.code == 0
    assert ET.parse(tmp_path / "j.xml").getroot().tag == "testsuites"
    assert "Parity with PyTorch passes: onnx" in (tmp_path / "sub" / "m.md").read_text()


def test_parity_uses_the_users_images(cli, project, exported, tmp_path):
    random = np.random.default_rng(0)
    for name in ("cat.png", "dog.jpg"):
        pixels = random.integers(0, 255, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    said = cli(project, "parity", "--images", tmp_path, "--json")
    assert said.code == 0, said.err
    inputs = {case["input"] for case in said.document["artifacts"][0]["cases"]}
    assert {"cat.png", "dog.jpg", "natural"} <= inputs


@pytest.mark.parametrize(
    ("content", "error"),
    [(None, "no image in"), (b"no image", "a.jpg: cannot be read as an image")],
)
def test_images_that_are_none_are_refused(cli, project, exported, tmp_path, content, error):
    if content is not None:
        (tmp_path / "a.jpg").write_bytes(content)
    said = cli(project, "parity", "--images", tmp_path)
    assert said.code == 2
    assert len(said.errors) == 1
    assert error in said.errors[0]
    assert said.out == ""


def test_a_changed_artifact_is_refused(cli, copied):
    with copied.open("ab") as file:
        file.write(b"\0")
    for command in (("parity",), ("profile",), ("parity", copied)):
        said = cli(copied.parents[1], *command)
        assert (said.code, said.out) == (2, "")
        assert len(said.errors) == 1
        assert "has changed since its export" in said.errors[0]
        (hint,) = said.hints
        assert hint.startswith(" hint: export it again")


@pytest.mark.parametrize(
    ("spoil", "error"),
    [(Path.unlink, "is missing"), (lambda path: path.write_bytes(b"other"), "has changed")],
)
def test_missing_or_changed_weights_are_refused(cli, copied, spoil, error):
    spoil(copied.with_suffix(".safetensors"))
    said = cli(copied.parents[1], "parity")
    assert (said.code, said.out) == (2, "")
    assert len(said.errors) == 1
    assert ".safetensors" in said.errors[0]
    assert error in said.errors[0]
    assert said.hints == [" hint: export it again"]


def test_a_file_without_manifest_is_judged_by_block_and_checkpoint(cli, copied):
    weights = copied.with_suffix(".safetensors")
    theirs = copied.with_name("theirs.onnx")
    theirs.write_bytes(copied.read_bytes())
    reference = ("--block", "coord", "--width", "0.35", "--checkpoint", weights)
    said = cli(copied.parents[1], "parity", theirs, *reference, "--json")
    assert said.code == 0, said.err
    assert said.document["artifacts"][0]["recipe"]["size"] == [32, 32]
    another = cli(copied.parents[1], "parity", theirs, "--block", "se", "--width", "0.35")
    assert another.code == 1
    said = cli(copied.parents[1], "parity", theirs, *reference, "--size", "64")
    assert (said.code, said.out) == (2, "")
    assert "takes 32x32 pixels, not 64x64" in said.errors[0]


@pytest.mark.parametrize("number", [1, 8, 16])
def test_one_projection_two_percent_larger_fails_and_says_how(cli, copied, number):
    made = artifacts.load(copied)
    wanted = ("Conv", f"features.{number}.project.conv")
    [value] = [one.value for one in made.scopes if (one.operator, one.path) == wanted]
    model = onnx.load(copied)
    [node] = [node for node in model.graph.node if node.output[0] == value]
    [weight] = [tensor for tensor in model.graph.initializer if tensor.name == node.input[1]]
    larger = numpy_helper.to_array(weight) * np.float32(1.02)
    weight.CopyFrom(numpy_helper.from_array(larger, weight.name))
    onnx.save(model, changed := copied.with_name("changed.onnx"))
    words = ("parity", changed, "--block", "coord", "--width", "0.35")
    said = cli(copied.parents[1], *words, "--checkpoint", copied.with_suffix(".safetensors"))
    assert said.code == 1
    text = " ".join(said.out.split())
    assert "FAIL" in text
    assert "max_error" in text  # which metric
    assert "natural" in text  # on which input
    assert "× over" in text  # by how much
    assert "Traceback" not in said.err


def test_a_backend_that_was_not_exported_is_no_pass(cli, project, exported):
    said = cli(project, "parity", "--to", "tflite")
    assert (said.code, said.out) == (2, "")
    assert said.errors == ["error: the last export into artifacts made nothing for tflite"]


def test_a_device_that_is_down_is_told_of_before_the_reference_is_computed(
    cli, project, exported, tmp_path
):
    there = {"ATTNBENCH_EMULATED": str(tmp_path)}
    said = cli(project, "parity", "--device", "rpi5-emulated", "--json", **there)
    assert said.code == 5
    assert "reference" not in said.err
    assert "attnbench emulate rpi5 up" in said.err


def test_processors_that_are_not_there_are_one_line(cli, project, exported):
    said = cli(project, "profile", "--cpus", "999", *QUICK)
    assert (said.code, said.out) == (2, "")
    assert len(said.errors) == 1


def test_a_block_of_their_own_goes_through_export_and_parity(cli, project):
    block = ("--block", "./my_block.py:MyAttention", "--to", "onnx", *SMALL)
    said = cli(project, "export", *block, "--json")
    assert said.code == 0, said.err
    [one] = said.document["artifacts"]
    attention = [each["path"] for each in one["blocks"] if each["kind"] == "attention"]
    assert len(attention) == 16
    said = cli(project, "parity", *block)
    assert said.code == 0, said.err
    assert "export onnx: cached" in said.err
    assert "parity onnx: done" in said.err
    assert cli(project, "parity", "--block", "my_block.py:MyAttention", *block[2:]).code == 0


def test_an_edited_block_is_another_export(cli, project, tmp_path):
    """The file's name is the same; what it computes is not."""
    file = tmp_path / "my_block.py"
    words = ("--block", "my_block.py:MyAttention", "--to", "onnx", *SMALL)
    file.write_text((project / "my_block.py").read_text())
    first = cli(tmp_path, "export", *words, "--json")
    file.write_text(file.read_text().replace(".sigmoid()", ".tanh()"))
    second = cli(tmp_path, "export", *words, "--json")
    assert second.code == 0, second.err
    assert first.document["artifacts"][0]["sha256"] != second.document["artifacts"][0]["sha256"]
