"""`attnbench parity` on a file that was changed by hand, as its user would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import onnx
import pytest
from onnx import numpy_helper

from attnbench import artifacts
from attnbench.artifacts import save_manifest
from tests.cli.conftest import SMALL

pytestmark = pytest.mark.slow

FAULTY = "features.3.attention"


@pytest.fixture(scope="module")
def exported(cli, project) -> Path:
    said = cli(project, "export", "--block", "coord", "--to", "onnx", *SMALL, "--json")
    assert said.code == 0, said.err
    return project / said.document["artifacts"][0]["path"]


@pytest.fixture
def changed(exported, tmp_path) -> Path:
    """The same file with one weight of one block doubled; its manifest does not know."""
    shutil.copytree(exported.parent, tmp_path / "artifacts")
    path = tmp_path / "artifacts" / exported.name
    paths = {scope.value: scope.path for scope in artifacts.load(path).scopes}
    model = onnx.load(path)
    *_, node = (
        one
        for one in model.graph.node
        if one.op_type in ("Conv", "Gemm") and paths[one.output[0]].startswith(FAULTY)
    )
    weights = next(one for one in model.graph.initializer if one.name == node.input[1])
    weights.CopyFrom(numpy_helper.from_array(2 * numpy_helper.to_array(weights), weights.name))
    onnx.save(model, path)
    return path


def test_a_changed_file_is_refused_with_the_way_to_see_where(cli, changed, tmp_path):
    said = cli(tmp_path, "parity", changed)
    assert said.code == 2
    assert "has changed since its export" in said.errors[0]
    assert "--localise" in said.hints[0]


def test_where_it_was_changed_is_found(cli, changed, tmp_path):
    said = cli(tmp_path, "parity", changed, "--localise", "--json", "--junit", tmp_path / "j.xml")
    assert said.code == 1, said.err
    [one] = said.document["artifacts"]
    assert one["verdict"] == "fail"
    found = one["divergence"]
    assert found["block"]["path"] == FAULTY
    assert found["block"]["kind"] == "attention"
    assert not found["alone"]["passed"]
    assert found["operator"]["path"].startswith(FAULTY)
    assert found["observer"] == "same"
    assert FAULTY in ET.parse(tmp_path / "j.xml").getroot().findtext("testsuite/system-out")
    words = [sys.executable, "-m", "attnbench.pipeline.reproduce", found["repro"]]
    again = subprocess.run(
        words, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False
    )
    assert again.returncode == 1, again.stderr
    assert "beyond its limit" in again.stdout


def test_a_failing_file_is_looked_into_unasked_but_not_against_ones_will(cli, changed, tmp_path):
    save_manifest(artifacts.load(changed, changed=True))
    said = cli(tmp_path, "parity", changed)
    assert said.code == 1
    assert f"first block that differs from PyTorch is {FAULTY}" in " ".join(said.out.split())
    said = cli(tmp_path, "parity", changed, "--no-localise", "--json")
    assert said.code == 1
    assert said.document["artifacts"][0]["divergence"] is None


def test_of_a_clean_file_the_nearest_block_is_told(cli, project, exported):
    said = cli(project, "parity", exported, "--localise")
    assert said.code == 0, said.err
    assert "no block that can be observed is beyond its limit" in " ".join(said.out.split())
    said = cli(project, "parity", exported, "--json")
    assert said.document["artifacts"][0]["divergence"] is None
