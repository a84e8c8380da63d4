"""CSV and traces: nothing lost, units in the head, and what readers of the format ask for."""

import csv
import io
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from attnbench.cli.report_command import command
from attnbench.errors import UnknownName
from attnbench.records import BlockTime, OperatorTime, Residual
from attnbench.report import FORMATS, sheets, trace_events, write_report
from attnbench.report.view import every_column
from attnbench.store import Run, Store
from tests.report import invented

RUN = invented.run()
COMPARED = Run(invented.WHEN, comparisons=(invented.comparison(limit=0.05),))


def rows(run, name):
    return list(csv.DictReader(io.StringIO(sheets.sheets(run)[name], newline="")))


def trace(run):
    text = trace_events.render(run)
    assert text.startswith('{"traceEvents"')
    return json.loads(text)["traceEvents"]


def test_samples_are_all_there_and_in_integer_ns():
    found = rows(RUN, "samples")
    for m in RUN.measurements:
        mine = [row for row in found if row["backend"] == m.artifact.backend]
        assert [int(r["ns"]) for r in mine if r["warmup"] == "0"] == [
            ns for run in m.runs for ns in run
        ]
        assert sum(row["warmup"] == "1" for row in mine) == sum(map(len, m.warmup_runs))
    assert found[0]["valid"] == "1"
    assert {row["valid"] for row in found if row["backend"] == "tflite"} == {"0"}


@pytest.mark.parametrize("name", ["blocks", "operators"])
def test_blocks_and_operators_add_up_to_the_record(name):
    found = rows(RUN, name)
    for m in RUN.measurements[:2]:
        mine = [int(row["ns"]) for row in found if row["backend"] == m.artifact.backend]
        assert sum(mine) == sum(b.ns for b in m.blocks) + m.residual.total
    assert not [row for row in found if row["backend"] == "executorch"]  # refused


def test_shares_of_blocks_add_up_to_one():
    shares = [float(row["share"]) for row in rows(RUN, "blocks") if row["backend"] == "onnx"]
    assert sum(shares) == pytest.approx(1)


def test_names_with_commas_quotes_and_lines_come_back_as_they_are():
    hostile = 'a,"b"\n;c'
    block = BlockTime(hostile, "attention", 70_000, 0.1)
    m = RUN.measurements[0]
    run = replace(RUN, measurements=(replace(m, blocks=(block, *m.blocks)),))
    assert rows(run, "blocks")[0]["block"] == hostile


def test_a_comparison_has_a_sheet_of_its_own_and_both_sides_samples():
    assert "comparisons" not in sheets.sheets(RUN)
    (one,) = COMPARED.comparisons
    whole, *blocks = rows(COMPARED, "comparisons")
    assert whole["block"] == "(inference)"
    assert float(whole["ratio"]) == one.whole.ratio
    assert [row["block"] for row in blocks] == [row.path for row in one.blocks]
    assert len({row["measurement"] for row in rows(COMPARED, "samples")}) == 2


@pytest.mark.parametrize("run", [RUN, COMPARED], ids=["run", "comparison"])
def test_a_trace_has_what_the_format_asks_for(run):
    for event in trace(run):
        assert event["ph"] in ("X", "M")
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        if event["ph"] == "M":
            assert event["name"] in ("process_name", "thread_name")
            assert event["args"]["name"]
        else:
            assert event["ts"] >= 0
            assert event["dur"] > 0
    assert len({event["pid"] for event in trace(run)}) == len(every_column(run))


def test_slices_of_a_thread_are_inside_of_each_other_or_apart():
    threads = {}
    for event in trace(RUN):
        if event["ph"] == "X":
            start, ns = round(event["ts"] * 1e3), round(event["dur"] * 1e3)
            threads.setdefault((event["pid"], event["tid"]), []).append((start, start + ns))
    for slices in threads.values():
        around = []
        for start, end in sorted(slices, key=lambda one: (one[0], -one[1])):
            while around and around[-1] <= start:
                around.pop()
            assert not around or end <= around[-1]
            around.append(end)


@pytest.mark.parametrize("traced", [True, False])
def test_operators_are_inside_of_their_blocks_and_add_up(traced):
    m = RUN.measurements[0] if traced else replace(RUN.measurements[0], operators=())
    slices = [e for e in trace(replace(RUN, measurements=(m,))) if e["ph"] == "X" and e["tid"] == 1]
    blocks = {block.path for block in m.blocks} | {"(model)"}
    leaves = [e for e in slices if e["name"] not in blocks]
    total = sum(block.ns for block in m.blocks) + m.residual.total
    assert sum(e["dur"] for e in leaves) * 1e3 == pytest.approx(total)
    outer = next(e for e in slices if e["name"] == "features.3")
    inner = next(e for e in slices if e["name"] == "features.3.attention")
    assert outer["ts"] <= inner["ts"]
    assert inner["ts"] + inner["dur"] <= outer["ts"] + outer["dur"] + 1e-6


def test_a_block_is_cut_where_something_else_ran():
    ran = (
        OperatorTime("one", "Conv", "a", None, 1000),
        OperatorTime("reorder", "Reorder", None, "layout", 500),
        OperatorTime("two", "Conv", "a", None, 1000),
        OperatorTime("reorder", "Reorder", None, "layout", 0),
        OperatorTime("three", "Relu", "b", None, 0),
    )
    blocks = (BlockTime("a", "backbone", 2000, 0.8),)
    m = replace(RUN.measurements[0], blocks=blocks, residual=Residual(500), operators=ran)
    every = trace(replace(RUN, measurements=(m,)))
    found = [e for e in every if e["name"] == "a"]
    assert [(e["ts"], e["dur"]) for e in found] == [(0, 1), (1.5, 1)]
    assert not [e for e in every if e["name"] in ("b", "Relu")]  # no time, no slice


def test_files_of_other_formats_are_never_taken_for_records(tmp_path):
    record = Store(tmp_path).add(RUN)
    paths = write_report(RUN, tmp_path, record.stem, tuple(FORMATS))
    assert {path.name.removeprefix(f"{record.stem}.") for path in paths.values()} == {
        *("html", "md", "samples.csv", "blocks.csv", "operators.csv", "perfetto-trace")
    }
    assert Store(tmp_path).latest() == record


def test_the_command_writes_what_was_asked_for_and_nothing_else(tmp_path):
    record = Store(tmp_path).add(RUN)
    said = CliRunner().invoke(command, [str(record), "--format", "csv,perfetto"])
    assert said.exit_code == 0, said.output
    suffixes = {path.name.removeprefix(f"{record.stem}.") for path in tmp_path.iterdir()}
    assert suffixes == {
        *("json", "samples.csv", "blocks.csv", "operators.csv", "perfetto-trace"),
    }


def test_an_unknown_format_is_the_users_mistake(tmp_path):
    record = Store(tmp_path).add(RUN)
    said = CliRunner().invoke(command, [str(record), "--format", "html,perfeto"])
    assert isinstance(said.exception, UnknownName)
    assert said.exception.exit_code == 2
    assert list(tmp_path.iterdir()) == [record]
