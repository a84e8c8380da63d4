"""Published tables, as they are kept beside this code, and what is true of them here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import torch

from attnbench.errors import UnknownName
from attnbench.records import Interval
from attnbench.records.papers import Agreement, Claim, LatencyHere, PaperRow, PaperTable
from attnbench.records.sweeps import Cell, Sweep
from attnbench_models import Recipe, count, create_model
from attnbench_models.backbones import BACKBONES

UNITS: Mapping[str, int] = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
NUMBER = re.compile(r"(\d+)(?:\.(\d+))?([KMG]?)")


class Clock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of what the published latencies are; without `on` it is no device that can be had here."""

    how: str
    on: str = ""
    backend: str = ""


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    A row as it was printed; what is left out was not found.

    `block` None is the backbone's own.
    """

    name: str
    backbone: str
    block: str | None = None
    options: dict[str, int | float | bool | str] = {}
    width: float = 1.0
    parameters: str | None = None
    parameters_source: str | None = None
    macs: str | None = None
    latency_ms: tuple[float, float] | None = None
    quality: str | None = None
    note: str = ""

    @property
    def recipe(self) -> Recipe:
        """The model that stands for it, as large as it was published for."""
        size = BACKBONES[self.backbone].size
        return Recipe(self.backbone, self.block, self.options, self.width, size)


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table; `macs_step` is what its counts are rounded to, by default their last digit."""

    title: str
    source: str
    rows: tuple[Row, ...]
    macs_step: str | None = None
    latency: Clock | None = None


def names() -> list[str]:
    """The tables that there are."""
    found = (Path(one.name) for one in files("attnbench").joinpath("published").iterdir())
    return sorted(one.stem for one in found if one.suffix == ".toml")


def read(name: str) -> Published:
    """The table of that name. Raises UnknownName."""
    if name not in names():
        raise UnknownName("table", name, names())
    text = files("attnbench").joinpath("published", f"{name}.toml").read_bytes()
    return msgspec.toml.decode(text, type=Published)


def rebuilt(name: str, table: Published, sweep: Sweep | None = None) -> PaperTable:
    """The table with what is found here: counts always, latencies of a sweep over its recipes."""
    return PaperTable(
        name,
        table.title,
        table.source,
        tuple(_row(row, table, sweep) for row in table.rows),
        sweep.device if sweep else None,
        sweep,
    )


def _row(row: Row, table: Published, sweep: Sweep | None) -> PaperRow:
    parameters, macs = counted(row.recipe)
    source = row.parameters_source or table.source
    cells = [cell for cell in sweep.cells if cell.recipe == row.recipe] if sweep else []
    return PaperRow(
        row.name,
        row.recipe,
        claim("parameters", row.parameters, source, parameters),
        claim("macs", row.macs, table.source, macs, table.macs_step),
        tuple(_latencies(row, table, cells, sweep)),
        row.quality,
        row.note,
    )


def counted(recipe: Recipe) -> tuple[int, int]:
    """Parameters and MACs of a registered model; its weights do not matter."""
    options: dict[str, Any] = dict(recipe.options)
    model = create_model(recipe.backbone, recipe.block, width=recipe.width, **options)
    *_, total = count(model.eval(), torch.zeros(recipe.batch, 3, *recipe.size))
    return total.parameters, total.macs


def claim(
    quantity: str, published: str | None, source: str, here: int, step: str | None = None
) -> Claim:
    """A count, held against what was printed."""
    if published is None:
        return Claim(quantity, None, source, here, Agreement.NOT_PUBLISHED)
    value, last = _number(published)
    half = (last if step is None else _number(step)[0]) / 2
    if here == value:
        found = Agreement.EQUAL
    else:
        found = Agreement.ROUNDED if abs(here - value) <= half else Agreement.DIFFERS
    return Claim(quantity, published, source, here, found)


def _number(text: str) -> tuple[float, float]:
    """`3.95M` as a number, and what its last digit stands for."""
    found = NUMBER.fullmatch(text)
    assert found is not None  # a test reads all that there are
    whole, decimals, unit = found[1], found[2] or "", UNITS[found[3]]
    scale = 10 ** len(decimals)
    return int(whole + decimals) * unit / scale, unit / scale


def _latencies(
    row: Row, table: Published, cells: Sequence[Cell], sweep: Sweep | None
) -> Iterator[LatencyHere]:
    for cell in cells:
        if cell.measurement is not None and sweep is not None:
            latency = cell.measurement.latency_ns
            found = _latency(row, table, cell, sweep, latency)
            yield LatencyHere(cell.setup.backend, latency, found)


def _latency(row: Row, table: Published, cell: Cell, sweep: Sweep, found: Interval) -> Claim:
    """A latency: judged on the device and in the runtime that the paper names, nowhere else."""
    here = found.median / 1e6
    if row.latency_ms is None or table.latency is None:
        return Claim("latency_ms", None, table.source, here, Agreement.NOT_PUBLISHED)
    low, high = row.latency_ms
    printed = f"{low:g} ms" if low == high else f"{low:g} to {high:g} ms"
    agreement = Agreement.ELSEWHERE
    if _is_there(table.latency, cell, sweep):
        inside = found.low / 1e6 <= high and found.high / 1e6 >= low
        agreement = Agreement.ROUNDED if inside else Agreement.DIFFERS
    text = f"{printed} ({table.latency.how})"
    return Claim("latency_ms", text, table.source, here, agreement)


def _is_there(clock: Clock, cell: Cell, sweep: Sweep) -> bool:
    """Whether it was measured on the device and in the runtime that the paper names."""
    device = sweep.device
    named = bool(clock.on) and clock.on in device.cpu and not device.emulated
    return named and cell.setup.backend == clock.backend
