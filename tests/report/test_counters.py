"""The table of hardware counters: what is known of them, and nothing where nothing is."""

from dataclasses import replace

from attnbench.records import Counters
from attnbench.report.contents import tables
from attnbench.report.counters_table import counters, terms
from attnbench.report.tables import ABSENT, setting
from attnbench.report.view import columns
from attnbench.store import Run
from tests.report.invented import WHEN, run

NONE = "this machine offers no such counter"
SOME = Counters({"cycles": 2_000_000, "instructions": 3_000_000}, {"branch_misses": NONE})


def shown(found):
    return columns(Run(WHEN, (replace(run().measurements[0], counters=found),)))


def test_instructions_per_cycle():
    (row,) = counters(shown(SOME)).rows
    assert row.cells == ("onnx", "2,000,000", "3,000,000", "1.50", ABSENT, ABSENT)
    assert dict(terms([column.measurement for column in shown(SOME)]))


def test_without_cycles_there_is_no_quotient():
    (row,) = counters(shown(Counters({"llc_read_misses": 1234.4, "branch_misses": 0.06}))).rows
    assert row.cells[1:] == (ABSENT, ABSENT, ABSENT, "1,234", "< 1")


def test_where_nothing_is_known_there_is_no_table():
    for found in (None, Counters({}, {"cycles": NONE})):
        whole = Run(WHEN, tuple(column.measurement for column in shown(found)))
        assert "Hardware counters" not in " ".join(table.title for table in tables(whole))
        assert not dict(terms(whole.measurements))


def test_the_setting_says_why():
    facts = {row.cells[0]: row.cells[1] for row in setting(shown(SOME)).rows}
    assert facts["counters"] == f"branch_misses: {NONE}"
    facts = {row.cells[0]: row.cells[1] for row in setting(shown(None)).rows}
    assert facts["counters"] == "not read"
