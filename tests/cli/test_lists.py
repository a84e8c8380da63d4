"""What needs no export: lists and the doctor, for people and as JSON."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from attnbench.backends import BACKENDS, FORMATS
from attnbench.cli import main
from attnbench.cli.list_command import KINDS
from attnbench.rewrites import REWRITES
from attnbench_models.backbones import BACKBONES
from attnbench_models.blocks import BLOCKS

NAMES = {
    "blocks": list(BLOCKS),
    "backends": BACKENDS.names(),
    "rewrites": [one.name for one in REWRITES],
    "backbones": list(BACKBONES),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_is_one_document_of_names(kind):
    result = CliRunner().invoke(main, ["list", kind, "--json"])
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert list(document) == ["schema", kind]
    assert document["schema"] == 1
    names = [row["name"] for row in document[kind]]
    assert names
    assert names == NAMES.get(kind, names)
    assert all(row["summary"] for row in document[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_for_people_has_every_name(kind):
    result = CliRunner().invoke(main, ["list", kind])
    document = json.loads(CliRunner().invoke(main, ["list", kind, "--json"]).stdout)
    assert result.exit_code == 0
    for row in document[kind]:
        assert row["name"] in result.stdout


def test_blocks_say_what_kind_they_are():
    lines = CliRunner().invoke(main, ["list", "blocks"], env={"COLUMNS": "200"}).stdout.splitlines()
    for name, kind in {"se": "gate", "nl": "residual", "aff": "fusion"}.items():
        [line] = [line for line in lines if line.startswith(f"{name} ")]
        assert line.rstrip().endswith(f"[{kind}]")


def test_backends_say_their_tools():
    document = json.loads(CliRunner().invoke(main, ["list", "backends", "--json"]).stdout)
    for row in document["backends"]:
        assert list(row["tools"]) == list(FORMATS[row["name"]].packages)


def test_the_doctor_finds_everything_here():
    result = CliRunner().invoke(main, ["doctor", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["schema"] == 1
    names = [check["name"] for check in document["checks"]]
    assert "native runner" in names
    assert {f"export to {name}" for name in FORMATS} <= set(names)
    assert all(check["ok"] and check["found"] for check in document["checks"])
    assert all(set(check) == {"name", "ok", "found", "hint"} for check in document["checks"])


def test_the_doctor_says_what_is_missing(monkeypatch):
    from attnbench.pipeline import identity

    def version(name):
        if name == "coremltools":
            raise identity.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(identity, "version", version)
    result = CliRunner().invoke(main, ["doctor", "--json"])
    assert result.exit_code == 3
    [bad] = [check for check in json.loads(result.stdout)["checks"] if not check["ok"]]
    assert bad["name"] == "export to coreml"
    assert bad["hint"] == "pip install 'attnbench[coreml]'"
