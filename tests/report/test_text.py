"""The terminal and Markdown: what they say, at every width and without colour."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from attnbench.records import BlockTime, Validity
from attnbench.report import markdown, print_report
from attnbench.report.contents import tables
from attnbench.report.operators_table import operators
from attnbench.report.tables import blocks
from attnbench.report.view import columns, sums
from attnbench.store import Run
from tests.report import invented

RUN = invented.run()

HOSTILE = 'a[red]"><script>|`$x$`\x1b[2J\nb'


def printed(run, width=80):
    console = Console(file=io.StringIO(), width=width)
    print_report(run, console)
    return console.file.getvalue()


def hostile_run():
    m = RUN.measurements[0]
    path = BlockTime(HOSTILE, "attention", 70_000, 0.1)
    return replace(RUN, measurements=(replace(m, blocks=(path, *m.blocks)),))


@pytest.mark.parametrize("width", [80, 120])
def test_terminal_keeps_to_its_width_and_breaks_no_number(width):
    lines = printed(RUN, width).splitlines()
    assert max(map(len, lines)) <= width
    assert sum("features.16.attention" in line for line in lines) == 1
    assert not any("…" in line for line in lines)


@pytest.mark.parametrize("form", [printed, markdown.render], ids=["terminal", "markdown"])
def test_everything_is_said(form):
    said = " ".join(form(RUN).replace("\\", "").split())
    for words in (
        "mobilenetv2-coord",
        "1 thread",
        "1.85 ms",
        "✗ 0.964",
        "load average rose to 1.92 on 2 cores: stop other work",
        "431 delegate nodes in the trace, 427 in the manifest",
        "not a number",
        "4.0× below",
        "✗ FAIL",
        "blind to features.4.attention",
        "delegate_boundary",
        "< 1 µs",
        "◆ features.1.attention",
    ):
        assert words in said


def test_sums_in_the_block_table_are_those_of_the_records():
    table = blocks(columns(RUN))
    rows = {row.cells[0]: row.cells for row in table.rows}
    assert [h.group for h in table.headings] == ["", "onnx", "onnx", "tflite", "tflite"]
    for at, m in ((1, RUN.measurements[0]), (3, RUN.measurements[1])):
        total = sums(m)
        shown = {name: float(rows[name][at]) for name in ("attention", "backbone", "total")}
        assert shown["attention"] == pytest.approx(total.attention_ns / 1e3, abs=0.05)
        assert shown["backbone"] == pytest.approx(total.backbone_ns / 1e3, abs=0.05)
        assert shown["total"] == pytest.approx(m.closure * m.paired.plain_ns / 1e3, abs=0.05)
        assert rows["paired plain"][at] == f"{m.paired.plain_ns / 1e3:.1f}"
        assert rows["total"][at + 1] == "100.0"


def test_a_block_that_one_runtime_lacks_is_absent_there():
    onnx, tflite, _ = RUN.measurements
    fewer = replace(tflite, blocks=tflite.blocks[1:])
    rows = blocks(columns(Run("", (onnx, fewer)))).rows
    assert rows[0].cells == ("(model)", "0.4", "0.0", "–", "")


def test_rows_have_a_cell_for_each_heading():
    for table in tables(RUN):
        assert {len(row.cells) for row in table.rows} == {len(table.headings)}


def test_markdown_tables_are_well_formed():
    for block in markdown.render(hostile_run()).split("\n\n"):
        if not block.startswith("|"):
            continue
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block
        assert re.fullmatch(r"\|( :?---:? \|)+", block.splitlines()[1].replace(" :---", " ---"))


def test_hostile_names_are_shown_and_not_obeyed():
    text = printed(hostile_run(), 200)
    assert "\x1b[2J" not in text
    assert 'a[red]"><script>|`$x$`\\x1b[2J\\nb' in text
    assert "<script>" not in re.sub(r"\\<", "", markdown.render(hostile_run()))


def test_an_invalid_measurement_without_a_reason_is_still_named():
    m = replace(RUN.measurements[0], validity=Validity(ok=False))
    assert "warning: onnx: the measurement is not valid" in printed(Run("", (m,)))


def test_few_launches_make_no_claim_of_95_percent():
    m = RUN.measurements[0]
    text = markdown.render(Run("", (replace(m, runs=m.runs[:3]),)))
    assert "The whole range of the launches" in text
    assert "95 % confidence" not in text


def test_emulated_times_are_called_no_latencies():
    m = RUN.measurements[0]
    emulated = replace(m, device=replace(m.device, emulated=True))
    assert "no latencies of the real one" in " ".join(printed(Run("", (emulated,))).split())


def test_a_model_without_attention_says_so():
    m = RUN.measurements[0]
    plain = replace(m, blocks=tuple(b for b in m.blocks if b.kind == "backbone"))
    assert "without attention" in printed(Run("", (plain,)))


@pytest.mark.parametrize(
    "run",
    [Run(invented.WHEN), replace(RUN, measurements=()), replace(RUN, verdicts=())],
    ids=["nothing", "parity only", "latency only"],
)
def test_half_a_run_has_half_a_report(run):
    text = printed(run) + markdown.render(run)
    assert ("Parity" in text) is bool(run.verdicts)
    assert ("Latency of one inference" in text) is bool(run.measurements)


def test_why_there_are_no_block_times_is_said_once():
    m = next(one for one in RUN.measurements if one.refusal)
    warned = replace(m, validity=Validity(ok=False, warnings=(f"no time per block: {m.refusal}",)))
    for one in (m, warned):
        said = printed(replace(RUN, measurements=(one,), verdicts=()), 400)
        assert said.count(m.refusal) == 1


def test_operators_are_told_by_kind_and_add_up():
    shown = columns(RUN)
    table = operators(shown)
    told = [row for row in table.rows if row.cells[1] == "Mul"]
    first = RUN.measurements[0]
    own = [one.ns for one in first.operators if one.kind == "Mul"]
    assert told[0].cells[2] == str(len(own))
    assert float(told[0].cells[3]) == pytest.approx(sum(own) / 1e3, abs=0.1)  # in attention alone
    assert told[0].cells[4:6] == ("–", "–")
    assert sum(float(row.cells[6]) for row in table.rows) == pytest.approx(200, abs=1)
    assert "Operators by kind" in markdown.render(RUN)
    assert "Operators by kind" not in printed(RUN)


def test_an_artifact_for_another_architecture_is_named():
    m = RUN.measurements[0]
    words = "exported for aarch64: --target x86_64 may be faster on this device"
    for target, said in (("aarch64", True), ("x86_64", False), ("", False)):
        known = replace(m, artifact=replace(m.artifact, target=target))
        text = " ".join(printed(replace(RUN, measurements=(known,))).split())
        assert (words in text) is said
