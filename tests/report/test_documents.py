"""What `--json` prints, against docs/json.md."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from attnbench.report.documents import (
    compare_document,
    noise_document,
    parity_document,
    profile_document,
)
from tests.report import invented

RUN = invented.run()
COMPARED = invented.comparison(limit=0.025)
DOCS = Path(__file__).parents[2] / "docs" / "json.md"


def strict(document):
    return json.loads(json.dumps(document, allow_nan=False))


def test_profile_holds_what_was_recorded():
    onnx, _, refused = strict(profile_document(RUN.measurements))["measurements"]
    m = RUN.measurements[0]
    assert onnx["latency_ns"] == {
        "median": m.latency_ns.median,
        "low": m.latency_ns.low,
        "high": m.latency_ns.high,
    }
    assert onnx["runs"] == [list(run) for run in m.runs]
    assert onnx["blocks"][0] == {
        "path": "",
        "kind": "backbone",
        "ns": 400,
        "share": m.blocks[0].share,
        "resolution_ns": 1,
    }
    assert onnx["residual"]["layout"] == 21_000
    assert onnx["artifact"]["recipe"]["block"] == "coord"
    assert (refused["blocks"], refused["closure"]) == (None, None)
    assert "431 delegate nodes" in refused["refusal"]


def test_parity_has_no_nan():
    document = strict(parity_document(RUN.verdicts))
    assert document["verdict"] == "fail"
    assert [a["verdict"] for a in document["artifacts"]] == ["pass", "pass", "fail"]
    assert document["artifacts"][2]["cases"][-1]["value"] is None


def test_infinities_become_null():
    verdict = RUN.verdicts[0]
    exact = replace(verdict.cases[1], value=math.inf)
    document = strict(parity_document((replace(verdict, cases=(exact,)),)))
    assert document["artifacts"][0]["cases"][0]["value"] is None
    assert document["verdict"] == "pass"


def test_no_verdict_is_no_pass():
    assert parity_document(())["verdict"] == "fail"


@pytest.mark.parametrize(
    ("heading", "document", "entries"),
    [
        ("profile", profile_document(RUN.measurements), "measurements"),
        ("parity", parity_document(RUN.verdicts), "artifacts"),
        ("compare", compare_document([COMPARED]), "comparisons"),
        ("doctor --noise", noise_document(invented.noise()), "noise"),
    ],
)
def test_the_documentation_lists_every_key(heading, document, entries):
    section = DOCS.read_text().split(f"`{heading} --json`", 1)[1]
    example = json.loads(re.search(r"```json\n(.*?)```", section, re.DOTALL)[1])
    assert set(example) == set(document)
    assert set(example[entries][0]) == set(document[entries][0])
    for key, value in example[entries][0].items():
        actual = document[entries][0][key]
        if isinstance(value, dict) and "…" not in value:
            assert set(value) == set(actual), key
        if isinstance(value, list) and value and isinstance(value[0], dict) and "…" not in value[0]:
            assert set(value[0]) == set(actual[0]), key
