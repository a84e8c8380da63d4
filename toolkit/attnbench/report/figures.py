"""Which charts a page has, in which sections, with what one has to know to read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from attnbench.records import Comparison
from attnbench.records.costs import AttentionCost
from attnbench.report import charts, prose
from attnbench.report.charts import Chart
from attnbench.report.comparison_chart import ratios
from attnbench.report.cost_charts import portions, roofline, ways
from attnbench.report.icicle import icicles, places
from attnbench.report.losses_chart import loss_chart
from attnbench.report.parity_chart import parity
from attnbench.report.rounds_chart import round_chart
from attnbench.report.samples_chart import sample_charts
from attnbench.report.sustained_chart import sustained_charts
from attnbench.report.sweep_chart import sweep_charts
from attnbench.report.view import Column, columns, comparisons, judged, sides, sweeps
from attnbench.store import Run

LOSSES = (
    "Larger is better, and logarithmic: 20 dB are an error of a tenth. Where the accumulated error "
    "falls while a block alone is good, the error came from before it."
)

TREE = (
    "One traced inference: each column is inside of the one to its left, operators are at the "
    "right end, in the order in which they ran. Heights are times, all panels on one scale. "
    "Choose a block, or select it in a panel, and every panel shows that block alone."
)

BLOCKS = (
    "Exclusive times of one traced inference, blocks in the order of the model, all panels on one "
    "scale. Attention inside a block is added to its bar; names in parentheses are time of no "
    "block."
)

RATIOS = (
    "A bar is the interval of the ratio: ▶ B is slower, ◀ B is faster, ○ they cannot be told "
    "apart. The line is 1, the dotted one the limit, if there is one."
)

ROUNDS = (
    "Above, ○ is the median of a launch of A and ● of B, four a round. Below, ◆ is B / A in that "
    "round, free of what drifts; the band is the interval of the ratio over all rounds."
)

ROOF = (
    "◆ is a block of attention, ● one of the backbone. The line is what the device reaches at "
    "best: rising, its memory's rate; level, its float32 rate. A block far below it waits for "
    "something else; one above it works on what is still in a cache. Work without MACs is in the "
    "table alone."
)

SWEEP = (
    "One mark for each model, with the interval of its median; the key names the block. Were MACs "
    "all that counts, marks would rise from left to right."
)

SAMPLES = (
    "All inferences of the plain launches, each launch a process of its own; ○ is warm-up and does "
    "not count, ▲ lies beyond the frame. A bar is the median of its launch, the band the "
    "interval of the median over launches; at the right how the times are distributed. Conditions "
    "are read after every process and spread evenly below; ✖ is held back by the device."
)

SUSTAINED = (
    "Inferences one right after the other in a single process, cut into equal stretches: the solid "
    "line is the median of each, the dashed one its 90th percentile."
)

PARITY = (
    "One mark for each input: ● passes, ✖ fails, ◀ exact, ▶ not a number. Top-1 agreement has no "
    "distance and is in the table."
)


@dataclass(frozen=True, slots=True)
class Section:
    """
    Charts that belong together.

    With a `title` they are panels under it, with `keyed` below a key to the fills; else each is
    under its own. `places` are what one can look into, by the node of the charts' trees.
    """

    shown: tuple[Chart, ...]
    title: str = ""
    hint: str = ""
    keyed: bool = False
    form: Literal["single", "pair"] = "single"
    places: Mapping[str, str] = field(default_factory=dict)


def sections(run: Run) -> tuple[Section, ...]:
    """The sections of a run that have anything to show."""
    return tuple(one for one in _sections(run) if one.shown)


def _sections(run: Run) -> Iterator[Section]:
    for at, swept in enumerate(sweeps(run)):
        title = f"Latency over MACs on {swept.device.name}"
        yield Section(sweep_charts(swept, f"sweep-{at}"), title, SWEEP, form="pair")
    for at, cost in enumerate(run.costs):
        yield from _cost(cost, at)
    for at, loss in enumerate(run.losses):
        yield Section((loss_chart(loss, f"loss-{at}"),), hint=LOSSES)
    for at, one in enumerate(comparisons(run)):
        yield from _held(one, at)
    shown = columns(run)
    overview = charts.share(shown), charts.closure(shown)
    yield Section(tuple(chart for chart in overview if chart), form="pair")
    yield _tree(shown, "tree", "Where the time goes")
    title = f"{prose.quantity(run)} per block, in ms"
    yield Section(charts.blocks(shown), title, BLOCKS, keyed=True)
    yield Section(sample_charts(shown, "samples"), "Every inference", SAMPLES, form="pair")
    title, load = "Under continuous load", sustained_charts(shown, "sustained")
    yield Section(load, title, SUSTAINED, form="pair")
    margins = parity(judged(run))
    yield Section((margins,) if margins else (), hint=PARITY)


def _cost(one: AttentionCost, at: int) -> Iterator[Section]:
    both = ways(one, f"ways-{at}"), portions(one, f"portions-{at}")
    yield Section(tuple(chart for chart in both if chart), form="pair")
    roof = roofline(one, f"roofline-{at}")
    yield Section((roof,) if roof else (), hint=ROOF)


def _held(one: Comparison, at: int) -> Iterator[Section]:
    held, course = ratios(one, at), round_chart(one, f"rounds-{at}")
    yield Section((held,) if held else (), hint=RATIOS)
    yield Section((course,) if course else (), hint=ROUNDS)
    both, backend = sides(one), one.a.backend
    yield _tree(both, f"tree-{backend}-{at}", f"{backend}: where the time goes")
    title = f"{backend}: every inference"
    yield Section(sample_charts(both, f"samples-{backend}-{at}"), title, SAMPLES, form="pair")


def _tree(shown: Sequence[Column], name: str, title: str) -> Section:
    return Section(icicles(shown, name), title, TREE, keyed=True, places=places(shown))
