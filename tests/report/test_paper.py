"""A published table beside what is found here: its latencies as people read them."""

from attnbench.records import Interval
from attnbench.records.papers import Agreement, Claim, LatencyHere, PaperRow, PaperTable
from attnbench.report.paper import tables
from attnbench_models import Recipe


def cells(found):
    """Of the row of a latency."""
    count = Claim("parameters", "3.5M", "a paper", 3_504_872, Agreement.ROUNDED)
    claim = Claim("latency_ms", None, "a paper", found.median / 1e6, Agreement.NOT_PUBLISHED)
    row = PaperRow("a model", Recipe(), count, count, (LatencyHere("onnx", found, claim),), None)
    (table,) = tables(PaperTable("t", "a table", "a paper", (row,)))
    return table.rows[2].cells


def test_a_latency_has_its_median_and_its_interval():
    found = cells(Interval(4_200_000, 4_100_000, 4_350_000))
    assert found[1:] == ("latency, onnx", "not found", "4.20 ms (4.10 to 4.35 ms)", "not published")


def test_a_single_launch_has_no_interval():
    assert cells(Interval(4_200_000, 4_200_000, 4_200_000))[3] == "4.20 ms"
