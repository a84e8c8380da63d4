"""Instruction time says what it is in every form; comparisons and conditions for people."""

from dataclasses import replace

import pytest
from rich.console import Console

from attnbench.pipeline.bench import Measured
from attnbench.pipeline.compare import compare
from attnbench.pipeline.trial import Pair
from attnbench.records import INSTRUCTIONS, Conditions, DeviceId, Reading, Residual
from attnbench.report import comparison, documents, html, markdown, print_report
from attnbench.report.conditions_table import conditions
from attnbench.report.view import columns
from attnbench.store import Run
from tests.report.invented import WHEN, measurement

BOARD = DeviceId("rpi5-emulated", emulated=True, machine="aarch64", cpu="qemu cortex-a76")
REAL = measurement("onnx", 1.0, Residual(21_000, 0, 34_000, 12_000), 1.003)
COUNTED = replace(REAL, clock=INSTRUCTIONS, device=BOARD)
BEFORE = Reading(temperature_c=45.2, governor="ondemand", throttled=(), load=0.1, charging=True)
DURING = Reading(temperature_c=47.0, frequency_khz={"0": 2_400_000, "1": 600_000}, cpu=0)
AFTER = replace(BEFORE, throttled=("throttled",), load=0.5)
SEEN = Conditions(
    0.1,
    0.5,
    4,
    before=BEFORE,
    during=(DURING, replace(DURING, temperature_c=49.0, frequency_khz={"0": 1_500_000})),
    after=AFTER,
    unknown=("screen_on",),
    notes=("glibc build under private loader",),
)


def terminal(show, *what) -> str:
    console = Console(width=200, record=True, file=None, quiet=False)
    with console.capture() as captured:
        show(*what, console)
    return " ".join(captured.get().split())


def forms(run):
    return [terminal(print_report, run), markdown.render(run), html.render(run)]


@pytest.mark.parametrize("form", range(3))
def test_instruction_time_is_never_called_a_latency(form):
    text = forms(Run(WHEN, (COUNTED,)))[form]
    assert "instruction time, not a latency" in text
    assert "Latency of one inference" not in text
    assert "Latency per block" not in text
    assert "instruction time, not a latency" not in forms(Run(WHEN, (REAL,)))[form]


@pytest.mark.parametrize("form", range(3))
def test_conditions_notes_and_unknowns_are_shown(form):
    shown = replace(REAL, conditions=SEEN, runner_sha256="ab" * 32)
    text = forms(Run(WHEN, (shown,)))[form].replace("\\", "")
    for words in (
        "Conditions on the device",
        "47.0 to 49.0 °C",
        "could not be read or set on the device: screen_on",
        "glibc build under private loader",
        "a runner of the user",
        "abababababab",
    ):
        assert words in text, words


def test_the_clock_is_that_of_the_processors_that_were_used():
    (column,) = columns(Run(WHEN, (replace(REAL, conditions=SEEN),)))
    rows = {row.cells[1]: row.cells[2:] for row in conditions([column]).rows}
    assert rows["clock"] == ("–", "1500 to 2400 MHz", "–")
    assert rows["held back"] == ("no", "–", "throttled")
    assert rows["battery"] == ("charging", "–", "charging")
    assert "screen" not in rows


def test_the_host_has_no_such_table():
    assert conditions(columns(Run(WHEN, (REAL,)))).rows == ()


def test_a_comparison_says_its_verdict_and_its_worth():
    slower = replace(COUNTED, latency_ns=replace(COUNTED.latency_ns, median=2 * 10**6))
    before = replace(COUNTED, latency_ns=replace(COUNTED.latency_ns, median=10**6))
    found = compare(Pair(Measured(before), Measured(slower)))
    text = terminal(print_report, Run(WHEN, comparisons=(found,)))
    assert (
        "B executes 100.00% more than A (1.00 ms to 2.00 ms of instruction time), ✗ above" in text
    )
    assert comparison.CAVEAT in text
    document = documents.compare_document([found])
    assert (document["verdict"], document["comparisons"][0]["verdict"]) == ("fail", "fail")
    same = compare(Pair(Measured(before), Measured(before)))
    assert "within the limit of 0.50%" in terminal(print_report, Run(WHEN, comparisons=(same,)))
