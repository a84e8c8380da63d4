"""What every form of the report shows, prepared once: columns, the block tree, and its sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from attnbench.attribution.conserve import CLOSES_WITHIN
from attnbench.records import (
    INSTRUCTIONS,
    ArtifactId,
    BlockTime,
    Comparison,
    Kind,
    Measurement,
    Verdict,
)
from attnbench.records.sweeps import Sweep
from attnbench.report import units
from attnbench.store import Run

ROOT_NAME = "(model)"
"""How the path "" is shown: operators that the model's own forward calls."""


@dataclass(frozen=True, slots=True)
class Column:
    """A measurement under a label that no other measurement of the run has."""

    label: str
    measurement: Measurement

    @property
    def attributed(self) -> bool:
        """Whether there are block times to show."""
        return self.measurement.blocks is not None


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict under a label that no other verdict of the run has."""

    label: str
    verdict: Verdict

    @property
    def word(self) -> str:
        """What came of it: `pass`, `pass, blind` where that says little, or `FAIL`."""
        return ("pass, blind" if self.verdict.blind else "pass") if self.verdict else "FAIL"


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A block of one measurement; `depth` counts the blocks around it, `text` is `ns` in ms."""

    path: str
    name: str
    kind: Kind
    depth: int
    ns: int
    share: float
    text: str


@dataclass(frozen=True, slots=True)
class Sums:
    """One attributed inference by kind, in ns; attention, backbone and residual make `total`."""

    attention_ns: int
    backbone_ns: int
    residual_ns: dict[str, int]

    @property
    def total_ns(self) -> int:
        """All blocks and all residual."""
        return self.attention_ns + self.backbone_ns + sum(self.residual_ns.values())

    @property
    def attention_share(self) -> float:
        """Attention over everything that was attributed."""
        return self.share(self.attention_ns)

    def share(self, ns: int) -> float:
        """A part of this total; 0 of nothing."""
        return ns / self.total_ns if self.total_ns else 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """A block of the backbone with the attention inside it, in ns."""

    name: str
    backbone_ns: int
    attention_ns: int


def measured(run: Run) -> tuple[Measurement, ...]:
    """All of the run's measurements, those of its comparisons and costs included."""
    return (*run.measurements, *(m for one in comparisons(run) for m in one.measurements))


def counted(measurements: Sequence[Measurement]) -> bool:
    """Whether their times are numbers of instructions; of a run they all are, or none is."""
    return any(one.clock == INSTRUCTIONS for one in measurements)


def columns(run: Run) -> tuple[Column, ...]:
    """The run's measurements, labelled."""
    keys = [(m.artifact, m.device.name) for m in run.measurements]
    return tuple(map(Column, _labels(keys), run.measurements))


def sides(one: Comparison) -> tuple[Column, Column]:
    """A comparison's measurements, labelled."""
    named = zip("AB", (one.a, one.b), one.measurements, strict=True)
    a, b = (Column(f"{letter} {side.recipe.name}", m) for letter, side, m in named)
    return a, b


def comparisons(run: Run) -> tuple[Comparison, ...]:
    """All of the run's comparisons, those of its studies included."""
    return (*run.comparisons, *(one.comparison for one in run.costs))


def sweeps(run: Run) -> tuple[Sweep, ...]:
    """All of the run's sweeps, those behind the tables of papers included."""
    return (*run.sweeps, *(table.sweep for table in run.tables if table.sweep is not None))


def every_column(run: Run) -> tuple[Column, ...]:
    """All of the run's measurements under labels, those of its comparisons included."""
    held = [
        Column(f"{one.a.backend} {side.label}", side.measurement)
        for one in comparisons(run)
        for side in sides(one)
    ]
    return (*columns(run), *held)


def judged(run: Run) -> tuple[Judged, ...]:
    """The run's verdicts, labelled."""
    keys = [(v.artifact, v.device) for v in run.verdicts]
    return tuple(map(Judged, _labels(keys), run.verdicts))


def block_rows(measurement: Measurement) -> tuple[BlockRow, ...]:
    """The block tree in the model's order; empty where attribution was refused."""
    blocks = measurement.blocks or ()
    paths = {block.path for block in blocks}
    return tuple(
        BlockRow(
            block.path,
            block.path or ROOT_NAME,
            block.kind,
            len(_around(block.path, paths)),
            block.ns,
            block.share,
            _block_time(block),
        )
        for block in blocks
    )


def enclosing(paths: Sequence[str]) -> dict[str, str | None]:
    """The innermost of the other paths around each; None where there is none."""
    return {path: max(_around(path, paths), key=len, default=None) for path in paths}


def union(tables: Sequence[Sequence[BlockRow]]) -> tuple[BlockRow, ...]:
    """One row for each path in any table; order and facts are those of the first that has it."""
    found: dict[str, BlockRow] = {}
    for table in tables:
        for row in table:
            found.setdefault(row.path, row)
    return tuple(found.values())


def sums(measurement: Measurement) -> Sums | None:
    """Where the time went; None where attribution was refused."""
    if measurement.blocks is None or measurement.residual is None:
        return None
    spent = {
        kind: sum(block.ns for block in measurement.blocks if block.kind == kind)
        for kind in ("attention", "backbone")
    }
    return Sums(spent["attention"], spent["backbone"], asdict(measurement.residual))


def parts(measurement: Measurement) -> tuple[Part, ...]:
    """
    The backbone's blocks, each with the attention inside it; what is in none is its own part.

    Every block is in exactly one part, so parts add up to the blocks.
    """
    blocks = measurement.blocks or ()
    backbone = {block.path for block in blocks if block.kind == "backbone"}
    found: dict[str, list[int]] = {}
    for block in blocks:
        home = block.path
        if block.kind == "attention":
            home = max(_around(block.path, backbone), key=len, default=block.path)
        entry = found.setdefault(home, [0, 0])
        entry[block.kind == "attention"] += block.ns
    return tuple(Part(path or ROOT_NAME, *spent) for path, spent in found.items())


def closes(closure: float) -> bool:
    """Whether the parts add up to the whole as nearly as they should."""
    # Compared as printed: 1.020 must not be outside of a band that ends at 1.020.
    return abs(round(closure, 3) - 1) <= CLOSES_WITHIN + 1e-9


def distinct(values: Iterable[str]) -> tuple[str, ...]:
    """Each value once, in order of first appearance."""
    return tuple(dict.fromkeys(values))


def _around(path: str, paths: Iterable[str]) -> list[str]:
    return [other for other in paths if other and path.startswith(f"{other}.")]


def _block_time(block: BlockTime) -> str:
    if block.ns < block.resolution_ns:
        return units.below(block.resolution_ns)
    return units.microseconds(block.ns)


def _labels(keys: Sequence[tuple[ArtifactId, str]]) -> tuple[str, ...]:
    """The backend, and of recipe and device what it takes to tell the columns apart."""
    facts = [(artifact.backend, artifact.recipe.name, device) for artifact, device in keys]
    recipes, devices = ({fact[i] for fact in facts} for i in (1, 2))
    shown = [
        " ".join(
            (fact[0], *fact[1:2] * (len(recipes) > 1), *fact[2:] * (len(devices) > 1)),
        )
        for fact in facts
    ]
    return tuple(
        f"{label} #{shown[: i + 1].count(label)}" if shown.count(label) > 1 else label
        for i, label in enumerate(shown)
    )
