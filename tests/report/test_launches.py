"""The tables of what launches say besides the median."""

from dataclasses import replace

from attnbench.records import INSTRUCTIONS, Interval, Sustained
from attnbench.report.launches_table import launches, sustained
from attnbench.report.tables import ABSENT
from attnbench.report.view import columns
from attnbench.store import Run
from tests.report.invented import WHEN, run

LOAD = Sustained(
    ns=(4_000_000,) * 100,
    warmup_ns=(5_000_000,),
    seconds=300.4,
    median_ns=4_000_000,
    p90_ns=Interval(4_200_000, 4_150_000, 4_300_000),
    slope=0.0123,
    slope_low=-0.001,
    slope_high=0.02,
)


def shown(**changes):
    one = replace(run().measurements[0], **changes)
    return columns(Run(WHEN, (one,)))


def test_start_up_memory_and_the_slow_tenth_stand_beside_each_other():
    m = run().measurements[0]
    (row,) = launches(shown(p90_ns=Interval(4_200_000, 4_150_000, 4_300_000))).rows
    assert row.cells[:3] == ("onnx", "4.20 ms", "4.15 to 4.30 ms")
    assert row.cells[3] == str(len(m.warmup_runs[0]))
    assert row.cells[-1] == "91 MB"


def test_launches_that_never_settled_are_told():
    runs = ((9, 9), *run().measurements[0].warmup_runs[1:], (9, 9, 9))
    (row,) = launches(shown(warmup_runs=runs, unsettled=(2, 5))).rows
    assert row.cells[3] == "2 to 3, 2 never"


def test_instruction_time_has_no_slow_tenth():
    (row,) = launches(shown(p90_ns=None, clock=INSTRUCTIONS)).rows
    assert row.cells[1:3] == (ABSENT, ABSENT)


def test_a_continuous_load_has_a_table_only_where_there_was_one():
    assert sustained(shown()).rows == ()
    (row,) = sustained(shown(sustained=LOAD)).rows
    assert row.cells[1] == "300 s"
    assert row.cells[3:] == ("4.20 ms", "4.15 to 4.30 ms", "+1.23 %", "-0.10 to +2.00 %")
