"""A sweep, for people: a table for each setup, and whether MACs rank as milliseconds do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attnbench.records.sweeps import Cell, RankCorrelation, Setup, Sweep
from attnbench.report import units
from attnbench.report.tables import ABSENT, WRONG, Heading, Row, Table
from attnbench.report.view import distinct
from attnbench.stats.ranks import ranks
from attnbench_models import Recipe

METHOD = (
    "Every round launches each cell once, in random order, each launch a process of its own; the "
    "median is over a cell's launches, the interval as for one measurement. × none is the median "
    "over that of the same backbone without attention. Cold is from the start of loading to the "
    "end of the first inference, the file having been read before. Rank is the model's place by "
    "MACs and by time among those of its table; the correlation of the two is Spearman's."
)


def sentences(one: Sweep) -> Iterator[str]:
    """How well MACs foretell time in each setup, and how many cells there are."""
    for found in one.correlations:
        yield _correlation(found)
    failed = sum(cell.failed is not None for cell in one.cells)
    done = f"{len(one.cells) - failed} of {units.counted(len(one.cells), 'cell')} measured"
    yield f"{done}{f', {failed} failed' if failed else ''}, {units.counted(one.rounds, 'round')}."


def _correlation(found: RankCorrelation) -> str:
    return (
        f"{setup_name(found.setup)}: MACs and milliseconds have rank correlation {found.rho:.2f} "
        f"over {found.models} models (p = {found.p:.2g})."
    )


def tables(one: Sweep) -> Iterator[Table]:
    """One for each setup."""
    called = names(one)
    for setup in dict.fromkeys(cell.setup for cell in one.cells):
        yield _table(setup, [cell for cell in one.cells if cell.setup == setup], called)


def setup_name(setup: Setup) -> str:
    """`onnx, 4 threads, big`."""
    facts = (setup.backend, units.counted(setup.threads, "thread"), setup.cluster)
    return ", ".join(filter(None, facts))


def _table(setup: Setup, cells: Sequence[Cell], called: Mapping[str, str]) -> Table:
    headings = (
        Heading("model", "name"),
        *map(Heading, ("kparams", "MMACs", "ms", "interval", "× none", "cold ms", "rank")),
        Heading("valid", "word"),
    )
    measured = [cell for cell in cells if cell.measurement is not None and cell.macs is not None]
    by_macs = ranks([cell.macs or 0 for cell in measured])
    by_time = ranks([_ns(cell) for cell in measured])
    places = {
        id(cell): at for cell, at in zip(measured, zip(by_macs, by_time, strict=True), strict=True)
    }
    bare = {_around(cell.recipe): _ns(cell) for cell in measured if cell.recipe.block == "none"}
    rows = [_row(called[cell.recipe.key], cell, bare, places.get(id(cell))) for cell in cells]
    return Table(f"{setup_name(setup)}: every model, launched in turn", headings, tuple(rows))


def _row(
    called: str, cell: Cell, bare: Mapping[object, int], place: tuple[float, float] | None
) -> Row:
    m = cell.measurement
    head = (
        called,
        ABSENT if cell.parameters is None else f"{cell.parameters / 1e3:.0f}",
        ABSENT if cell.macs is None else f"{cell.macs / 1e6:.1f}",
    )
    if m is None:
        return Row((*head, *(ABSENT,) * 5, f"{WRONG} failed"), "bad")
    latency, without = m.latency_ns, bare.get(_around(cell.recipe))
    return Row(
        (
            *head,
            units.milliseconds(latency.median),
            f"{units.milliseconds(latency.low)} to {units.milliseconds(latency.high)}",
            f"{latency.median / without:.3f}" if without else ABSENT,
            units.milliseconds(cell.cold_ns or 0),
            f"{place[0]:g} → {place[1]:g}" if place else ABSENT,
            "yes" if m.validity.ok else f"{WRONG} no",
        ),
        "plain" if m.validity.ok else "bad",
    )


def name(recipe: Recipe) -> str:
    """What tells a model from the others of its sweep: `coord, reduction=8, width 0.5`."""
    options = [f"{key}={value}" for key, value in recipe.options.items()]
    width = [] if recipe.width == 1 else [f"width {recipe.width:g}"]
    return ", ".join([recipe.block or "native", *options, *width])


def names(one: Sweep) -> Mapping[str, str]:
    """Its models' names by their recipes' keys; with the backbone, where there are several."""
    several = len(distinct(cell.recipe.backbone for cell in one.cells)) > 1
    return {
        cell.recipe.key: f"{cell.recipe.backbone} {name(cell.recipe)}"
        if several
        else name(cell.recipe)
        for cell in one.cells
    }


def _ns(cell: Cell) -> int:
    assert cell.measurement is not None  # only those that have one are asked
    return cell.measurement.latency_ns.median


def _around(recipe: Recipe) -> object:
    """What a model has in common with the one without attention."""
    return recipe.backbone, recipe.width, recipe.size, recipe.batch


def notices(one: Sweep) -> Iterator[tuple[str, str]]:
    """Each failure and each warning once, with the cells that it is about."""
    called = names(one)
    said: dict[str, list[str]] = {}
    for cell in one.cells:
        who = f"{called[cell.recipe.key]}; {setup_name(cell.setup)}"
        if cell.failed is not None:
            hint = f" ({cell.failed.hint})" if cell.failed.hint else ""
            said.setdefault(f"{cell.failed.message}{hint}", []).append(who)
        for text in cell.measurement.validity.warnings if cell.measurement else ():
            said.setdefault(text, []).append(who)
    for text, about in said.items():
        yield about[0] if len(about) == 1 else units.counted(len(about), "cell"), text
    if len(one.sessions) > 1:
        text = f"measured in {len(one.sessions)} sessions: cells took turns within each of them"
        yield one.device.name, text
    yield from ((one.device.name, text) for text in one.notes)


def title(one: Sweep) -> str:
    """What was swept and where."""
    blocks = distinct(str(cell.recipe.block) for cell in one.cells)
    backbones = distinct(cell.recipe.backbone for cell in one.cells)
    return f"{', '.join(blocks)} in {', '.join(backbones)}, swept on {one.device.name}"
