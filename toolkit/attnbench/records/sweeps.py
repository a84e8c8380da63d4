"""Many models on one device, launches of all of them in turn."""

from __future__ import annotations

from dataclasses import dataclass

from attnbench.records.measured import DeviceId, Measurement
from attnbench.records.traced import Launch
from attnbench_models import Recipe


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no number: what happened, what to do, and the exit code of its kind."""

    message: str
    hint: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Setup:
    """How a cell is measured: `cluster` is the device profile's name for `cpus`, "" for none."""

    backend: str
    threads: int
    cluster: str = ""
    cpus: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """
    One model in one setup; with a measurement, or the reason why there is none.

    `parameters` and `macs` are None where the model could not be built.
    """

    recipe: Recipe
    setup: Setup
    parameters: int | None
    macs: int | None
    measurement: Measurement | None
    failed: Failed | None = None

    @property
    def cold_ns(self) -> int | None:
        """From the start of loading to the end of the first inference; medians of launches."""
        m = self.measurement
        return None if m is None else m.load_ns + m.first_ns


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """
    Spearman's rank correlation of MACs with the latency over the models of one setup.

    `p` is that of a permutation test, against none at all.
    """

    setup: Setup
    models: int
    rho: float
    p: float


@dataclass(frozen=True, slots=True)
class Sweep:
    """
    A table of models: in each of `rounds` every cell was launched once, in random order.

    `sessions` are the times at which the work was begun and gone on with; what was measured in
    different ones took turns only within each. `state` is the file of the single launches.
    """

    device: DeviceId
    clock: str
    rounds: int
    seed: int
    sessions: tuple[str, ...]
    cells: tuple[Cell, ...]
    correlations: tuple[RankCorrelation, ...]
    state: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One launch of a sweep, as it is kept on disk: of which cell and artifact, in which round."""

    cell: str
    sha256: str
    round: int
    session: str
    launch: Launch
