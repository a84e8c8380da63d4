"""Published tables: what they say is read, and held against what is true here."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

from attnbench.cli import main
from attnbench.pipeline.published import claim, counted, names, read, rebuilt
from attnbench.records import DeviceId, Interval
from attnbench.records.papers import Agreement
from attnbench.records.sweeps import Cell, Setup, Sweep
from attnbench.report import documents, html, markdown
from attnbench.store import Run, Store
from attnbench_models import Recipe
from attnbench_models.blocks import BLOCKS
from tests.report.invented import WHEN, Residual, measurement
from tests.report.test_text import printed

TABLES = ("ca-table1", "mobilenext", "seaformer", "senet")
PIXEL = DeviceId("my-phone", emulated=False, machine="aarch64", cpu="Google Pixel 4, Kryo")


def test_these_tables_are_there():
    assert tuple(names()) == TABLES


@pytest.mark.parametrize("name", TABLES)
def test_every_row_can_be_built_and_every_number_read(name):
    table = read(name)
    assert len({row.name for row in table.rows}) == len(table.rows)
    for row in table.rows:
        assert row.block is None or row.block in BLOCKS
        for text, step in ((row.parameters, None), (row.macs, table.macs_step)):
            assert claim("macs", text, table.source, 0, step).published == text
        assert row.latency_ms is None or table.latency is not None


@pytest.mark.parametrize(
    ("printed_as", "here", "step", "agreement"),
    [
        ("3504872", 3504872, None, Agreement.EQUAL),
        ("3504872", 3504873, None, Agreement.DIFFERS),
        ("3.95M", 3950648, None, Agreement.ROUNDED),
        ("3.95M", 3955001, None, Agreement.DIFFERS),
        ("3.95M", 3945000, None, Agreement.ROUNDED),
        ("310M", 306666368, None, Agreement.DIFFERS),
        ("310M", 306666368, "10M", Agreement.ROUNDED),
        ("310M", 315000001, "10M", Agreement.DIFFERS),
        ("0.1G", 93332544, None, Agreement.ROUNDED),
        (None, 1, None, Agreement.NOT_PUBLISHED),
    ],
)
def test_verdicts(printed_as, here, step, agreement):
    assert claim("macs", printed_as, "somewhere", here, step).agreement is agreement


def test_counts_are_those_of_the_authors_own_code():
    assert counted(Recipe("mobilenetv2", "coord")) == (3_950_648, 306_666_368)


def swept(name, device, backend="tflite", ms=49.0):
    """The first two rows of a table with INVENTED latencies."""
    ns = round(ms * 1e6)
    made = replace(
        measurement(backend, 1.0, Residual(), 1.0), latency_ns=Interval(ns, ns - 5000, ns + 5000)
    )
    setup = Setup(backend, 1)
    cells = [Cell(row.recipe, setup, 1, 1, made) for row in read(name).rows[:2]]
    return Sweep(device, "monotonic", 1, 0, (WHEN,), tuple(cells), (), "")


@pytest.fixture
def uncounted(monkeypatch):
    """Building all of a table's models takes seconds, and is tested apart."""
    monkeypatch.setattr("attnbench.pipeline.published.counted", lambda _: (3_500_000, 311_000_000))


@pytest.mark.parametrize(
    ("device", "backend", "ms", "agreement"),
    [
        (PIXEL, "tflite", 49.0, Agreement.ROUNDED),
        (PIXEL, "tflite", 60.0, Agreement.DIFFERS),
        (PIXEL, "onnx", 49.0, Agreement.ELSEWHERE),
        (replace(PIXEL, emulated=True), "tflite", 49.0, Agreement.ELSEWHERE),
        (replace(PIXEL, cpu="Invented CPU"), "tflite", 49.0, Agreement.ELSEWHERE),
    ],
)
def test_latency_is_judged_where_it_was_published_for(uncounted, device, backend, ms, agreement):
    sweep = swept("mobilenext", device, backend, ms)
    (latency,) = rebuilt("mobilenext", read("mobilenext"), sweep).rows[1].latencies
    assert latency.claim.agreement is agreement
    assert latency.claim.published == "48 to 51 ms (Pixel 4, TF-Lite, CPU)"


def test_a_latency_that_was_not_found_is_not_invented(uncounted):
    table = rebuilt("ca-table1", read("ca-table1"), swept("ca-table1", PIXEL))
    (latency,) = table.rows[0].latencies
    assert (latency.claim.published, latency.claim.here) == (None, 49.0)
    assert latency.claim.agreement is Agreement.NOT_PUBLISHED
    assert table.rows[2].latencies == ()  # this model was not swept


def test_it_is_stored_and_shown(uncounted, tmp_path):
    table = rebuilt("ca-table1", read("ca-table1"), swept("ca-table1", PIXEL))
    run = Run(WHEN, tables=(table,))
    store = Store(tmp_path)
    assert store.load(store.add(run)) == run
    assert documents.run_document(run)["tables"][0]["rows"][0]["macs"]["agreement"] == "differs"
    for text in (printed(run, 140), markdown.render(run), html.render(run)):
        said = " ".join(text.replace("\\", "").split())
        for words in ("not found", "within rounding", "✗ differs", "300M", "top-1 74.3 %"):
            assert words in said, words


def test_an_unknown_table_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["table", "senett", "--no-latency"], prog_name="attnbench")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "unknown table 'senett'" in done.stderr
    assert "did you mean 'senet'?" in done.stderr
