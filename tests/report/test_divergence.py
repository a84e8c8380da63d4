"""The paragraph on where a file first differs; all numbers are invented."""

from dataclasses import replace

import pytest

from attnbench.records import DIFFERS, BlockError, Case, Divergence, FirstOperator
from attnbench.report.divergence import told

BAD = Case("natural", "max_error", "of range", 0.2, 1e-6, "lower", passed=False)
GOOD = replace(BAD, value=5e-7, passed=True)

FOUND = Divergence(
    block=BlockError("features.3.attention", "attention", BAD),
    before=BlockError("features.2", "backbone", GOOD),
    worst=None,
    method="bisection",
    probes=6,
    alone=BAD,
    operator=FirstOperator("sub_1", "Sub", "features.3.attention"),
    observer="same",
    observed=0.0,
    repro="reports/repro/x",
)


def test_it_says_all_that_is_known():
    text = told(FOUND)
    for words in (
        "features.3.attention (attention: max_error 2.0e-01 of range on natural, limit 1.0e-06",
        "Before it, features.2 (backbone",
        "it differs too",
        "Sub 'sub_1'",
        "by bisection, with 6 probes",
        "to the last bit",
        "python -m attnbench.pipeline.reproduce reports/repro/x",
    ):
        assert words in text


def test_a_block_that_is_right_alone_is_not_called_wrong():
    text = told(replace(FOUND, alone=GOOD, operator=None, repro=None))
    assert "is within its limit" in text
    assert "differs too" not in text
    assert "reproduce" not in text


@pytest.mark.parametrize(("observed", "words"), [(0.1, "by 1.0e-01"), (None, "beyond measure")])
def test_a_probe_that_changes_the_outputs_is_marked(observed, words):
    text = told(replace(FOUND, observer=DIFFERS, observed=observed))
    assert "observed graph differs" in text
    assert words in text


def test_rounding_is_told_as_such():
    assert "within rounding (3.0e-08)" in told(replace(FOUND, observed=3e-8))


def test_without_a_block_the_nearest_is_named():
    near = replace(FOUND, block=None, before=None, worst=FOUND.before, alone=None, operator=None)
    text = told(replace(near, method="linear", notes=("something else",), repro=None))
    assert "no block that can be observed is beyond its limit" in text
    assert "Nearest to it is features.2" in text
    assert "looking at every block" in text
    assert "Something else." in text


def test_errors_that_have_only_added_up_blame_no_block():
    text = told(replace(FOUND, block=None, worst=FOUND.block, alone=None, operator=None))
    assert "no block that can be observed is wrong alone" in text
    assert "Farthest beyond its limit in the file is features.3.attention" in text


def test_long_lists_are_cut():
    text = told(replace(FOUND, unobserved=tuple(f"part.{n}" for n in range(9))))
    assert "part.4 and 4 more" in text
    assert "part.5" not in text
