"""What a CI system shows of a failed case: value and limit as the report has them."""

from xml.etree import ElementTree as Xml

import pytest

from attnbench.records import Case, Verdict
from attnbench.report import junit
from tests.report import invented

ARTIFACT = invented.run().verdicts[0].artifact


def test_a_pass_that_says_little_is_no_plain_pass():
    (case, *_) = invented.run().verdicts[0].cases
    root = Xml.fromstring(junit.render([Verdict(ARTIFACT, "host", (case,), blind=("too coarse",))]))
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "0", "1")
    assert [one.get("message") for one in root.iter("skipped")] == ["blind: too coarse"]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            Case("noise", "cosine", "", 0.8, 1 - 1e-10, "higher", passed=False),
            "cosine is 1−2.0e-01, must be at least 1−1.0e-10",
        ),
        (
            Case("noise", "max_error", "of range", 0.36, 1e-6, "lower", passed=False),
            "max_error is 3.6e-01 of range, must be at most 1.0e-06",
        ),
        (
            Case("noise", "snr", "dB", None, 100.0, "higher", passed=False),
            "snr is not a number, must be at least 100.0",
        ),
    ],
)
def test_a_failed_case_says_value_and_limit(case, message):
    root = Xml.fromstring(junit.render([Verdict(ARTIFACT, "host", (case,))]))
    (failure,) = root.iter("failure")
    assert failure.get("message") == message
