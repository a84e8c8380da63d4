"""A sample of the faults that `make mutation` puts into files, and what it keeps of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.converting import converted
from tests.mutation import clean, results
from tests.mutation.faults import FILES, faults
from tests.mutation.subjects import recipe
from tests.mutation.table import table
from tests.mutation.trial import Bench, Result

pytestmark = pytest.mark.slow

SAMPLE = {
    "onnx": (
        "tanh for sigmoid",
        "height and width swapped",
        "padding off by one in height",
        "BatchNorm epsilon",
    ),
    "tflite": (
        "sum for product",
        "height and width swapped",
        "hard swish for sigmoid",
        "bias dropped",
    ),
    "executorch": ("maximum for product", "tanh for sigmoid", "padding off by one in width"),
}
"""Kinds of which the first fault in the slice that anything shows is tried."""


@pytest.fixture(scope="module", params=FILES)
def bench(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return Bench(converted(recipe("mobilenetv2"), request.param, folder))


def test_a_clean_file_passes(bench):
    assert bench.judged()


def test_there_are_enough_faults_each_under_its_own_name(bench):
    names = [one.name for one in faults(bench.artifact, bench.module)]
    assert len(names) > 200
    assert len(set(names)) == len(names)


def test_a_sample_is_caught_in_the_right_block(bench):
    every = faults(bench.artifact, bench.module)
    for kind in SAMPLE[bench.artifact.backend]:
        of_kind = (one for one in every if one.kind == kind)
        tried = (bench.tried(fault, "key", "mobilenetv2") for fault in of_kind)
        result = next(one for one in tried if not one.refused and one.visible)
        assert result.failed, result.fault
        assert result.located, f"{result.fault} was found in {result.found}"


def of(fault: str, **changes: object) -> Result:
    whole = Result(results.key(), "onnx", "mobilenetv2", fault, "kind", "stem", 1e3, failed=True)
    return replace(whole, **{"located": True, **changes})


def test_results_are_kept_line_by_line_as_long_as_they_hold(tmp_path):
    file = tmp_path / "results.jsonl"
    assert list(results.kept(file)) == []
    results.keep(of("one"), file)
    results.keep(of("two", key="of other sources"), file)
    with file.open("ab") as lines:
        lines.write(b'{"key": "cut o')
    assert list(results.kept(file)) == [of("one")]


def test_the_table_counts_and_names_what_was_missed():
    shown = table(
        [
            of("caught"),
            of("missed", failed=False, located=False),
            of("elsewhere", located=False, found="head"),
            of("hidden", moved=3.0, failed=False),
            of("", kind="clean", failed=False),
        ]
    )
    assert "| onnx | mobilenetv2 | 4 | 0 | 3 | 2 | 1 | 0 |" in shown
    assert "false alarms 0" in shown
    assert "visible and not caught: 1\n- onnx mobilenetv2: missed" in shown
    assert "elsewhere (1e+03 limits, found head)" in shown


def test_clean_exports_are_all_of_another_kind_or_other_weights():
    every = list(clean.recipes(200))
    assert len({(clean.subject(one), clean.variant(one)) for one in every}) == 200
    assert len({(one.model, one.size) for one in every}) == len(clean.MODELS) * len(clean.SIZES)


def test_a_clean_export_passes_and_says_how_near_to_a_limit(tmp_path):
    *_, wide = clean.recipes(8)
    result = clean.exported("onnx", wide, tmp_path)
    assert (result.subject, result.failed) == ("wide_cbam", False)
    assert 0 < result.moved < 1
    assert "- onnx: 1, at most" in table([result])
