"""A run as CSV: samples, blocks, operators, comparisons, sweeps; units are in the heads."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from attnbench.records import BlockRatio, Comparison, Measurement
from attnbench.records.sweeps import Cell, Sweep
from attnbench.report.view import comparisons, every_column, sweeps
from attnbench.store import Run

Cells = Sequence[object]

MEASURED = ("measurement", "backend", "model", "device", "sha256", "valid")
"""The columns of every sheet that is of measurements: of which one a row is."""

SWEPT = (
    *("device", "backend", "threads", "cluster", "backbone", "block", "options", "width"),
    *("parameters", "macs", "median_ns", "low_ns", "high_ns", "cold_ns", "valid", "failed"),
)


def sheets(run: Run) -> Mapping[str, str]:
    """Each sheet's text by its name; without comparisons or sweeps there is no sheet of them."""
    found = {
        "samples": _of_measurements(run, ("launch", "iteration", "warmup", "ns"), _samples),
        "blocks": _of_measurements(run, ("block", "kind", "ns", "share", "resolution_ns"), _blocks),
        "operators": _of_measurements(run, ("at", "name", "kind", "block", "ns"), _operators),
    }
    if held := comparisons(run):
        heads = ("backend", "device", "a", "b", "block", "kind", "a_ns", "b_ns", "ratio")
        rows = (row for one in held for row in _comparison(one))
        found["comparisons"] = _text((*heads, "low", "high", "finding"), rows)
    if swept := sweeps(run):
        found["sweep"] = _text(SWEPT, (_cell(one, cell) for one in swept for cell in one.cells))
    return found


def _of_measurements(
    run: Run, heads: Sequence[str], rows: Callable[[Measurement], Iterable[Cells]]
) -> str:
    every = (
        (*_names(column.label, column.measurement), *row)
        for column in every_column(run)
        for row in rows(column.measurement)
    )
    return _text((*MEASURED, *heads), every)


def _names(label: str, m: Measurement) -> Cells:
    one = m.artifact
    return label, one.backend, one.recipe.name, m.device.name, one.sha256, int(m.validity.ok)


def _samples(m: Measurement) -> Iterator[Cells]:
    """Launches and iterations from 1 on; iterations of the warm-up and of what counts apart."""
    for warmup, runs in ((1, m.warmup_runs), (0, m.runs)):
        for launch, run in enumerate(runs, 1):
            yield from ((launch, at, warmup, ns) for at, ns in enumerate(run, 1))


def _blocks(m: Measurement) -> Iterator[Cells]:
    """Exclusive times; what is in no block has its cause in parentheses, and no resolution."""
    if m.blocks is None or m.residual is None:
        return
    total = sum(block.ns for block in m.blocks) + m.residual.total
    for block in m.blocks:
        yield block.path, block.kind, block.ns, block.share, block.resolution_ns
    for key, ns in asdict(m.residual).items():
        yield f"({key})", "residual", ns, ns / total if total else 0.0, ""


def _operators(m: Measurement) -> Iterator[Cells]:
    for at, one in enumerate(m.operators, 1):
        place = one.block if one.residual is None else f"({one.residual})"
        yield at, one.name, one.kind, place, one.ns


def _comparison(one: Comparison) -> Iterator[Cells]:
    """The whole, which has no block, and each block."""
    whole = BlockRatio("", None, one.whole, one.finding)
    rows = [("(inference)", whole), *((row.path, row) for row in one.blocks or ())]
    for name, row in rows:
        time = row.time
        yield (
            *(one.a.backend, one.device.name, one.a.recipe.name, one.b.recipe.name),
            *(name, row.kind, time.a_ns, time.b_ns, time.ratio, time.low, time.high),
            row.finding.value if row.finding else None,
        )


def _cell(one: Sweep, cell: Cell) -> Cells:
    """What failed has its reason, and no numbers."""
    recipe, setup, m = cell.recipe, cell.setup, cell.measurement
    options = " ".join(f"{key}={value}" for key, value in recipe.options.items())
    span = (m.latency_ns.median, m.latency_ns.low, m.latency_ns.high) if m else (None,) * 3
    return (
        *(one.device.name, setup.backend, setup.threads, setup.cluster, recipe.backbone),
        *(recipe.block, options, recipe.width, cell.parameters, cell.macs, *span, cell.cold_ns),
        int(m.validity.ok) if m else None,
        cell.failed.message if cell.failed else None,
    )


def _text(heads: Sequence[str], rows: Iterable[Cells]) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(heads)
    writer.writerows(rows)
    return file.getvalue()
