"""The page on what deploys is about the registry as it is."""

from __future__ import annotations

from dataclasses import replace

from attnbench.backends import FORMATS
from attnbench_models.backbones import BACKBONES
from tests.matrix.cells import CELLS, Cell
from tests.matrix.results import Result
from tests.matrix.support import PAGE, page, table_of


def test_the_page_has_every_pair_and_every_reservation():
    assert set(table_of(PAGE.read_text())) == set(CELLS)
    for name, entry in BACKBONES.items():
        assert not entry.unverified or f"- {name}: {entry.unverified}" in PAGE.read_text()


def test_what_fails_is_said():
    good = Result("k", ran=True, delegates=1, outside=("Softmax",))
    bad = Result("k", "tflite: it has no such operator")
    off = Result("k", None, ("natural: max_error 1, limit 0",), ran=True, delegates=2)
    written = page(
        {Cell("mobilenetv2", "x", "onnx"): good, Cell("mobilenetv2", "x", "tflite"): bad}
        | {Cell("mobilenetv2", "x", "executorch"): off, Cell("mobilenetv2", "x", "coreml"): None}
    )
    assert (
        "| mobilenetv2 | x | yes (1, outside: Softmax) | **refused** | **fails parity** | not run |"
        in written
    )
    assert "- mobilenetv2-x-tflite: tflite: it has no such operator" in written
    assert "- mobilenetv2-x-executorch: natural: max_error 1, limit 0" in written


def test_what_was_found_before_stands_until_it_is_run_again():
    cell = Cell("mobilenetv2", "x", "onnx")
    cells = dict.fromkeys((cell, *(replace(cell, backend=one) for one in FORMATS)))
    good = Result("k", ran=True, delegates=1)
    first = page(cells | {cell: good})
    assert table_of(first)[cell] == "yes (1)"
    second = page(cells, first)
    assert table_of(second)[cell] == "yes (1) †"
    assert table_of(page(cells, second)) == table_of(second)
    assert table_of(page(cells | {cell: good}, second)) == table_of(first)
