"""What came out: times per block, latencies, verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from attnbench.records.exported import Kind
from attnbench.records.judged import Case, Divergence
from attnbench.records.power import Power
from attnbench.records.traced import Counters
from attnbench_models import Recipe

INSTRUCTIONS = "instructions"
"""The clock of an emulated machine that counts what it executes, one nanosecond each."""


@dataclass(frozen=True, slots=True)
class Residual:
    """Traced time that belongs to no block, by cause, in ns."""

    layout: int = 0
    delegate_boundary: int = 0
    runtime: int = 0
    unattributed: int = 0

    @property
    def total(self) -> int:
        """The sum, in ns."""
        return self.layout + self.delegate_boundary + self.runtime + self.unattributed


@dataclass(frozen=True, slots=True)
class BlockTime:
    """Exclusive time of a block (its inner blocks have their own), and its share of the whole."""

    path: str
    kind: Kind
    ns: int
    share: float
    resolution_ns: int = 0


@dataclass(frozen=True, slots=True)
class OperatorTime:
    """
    One operator of an inference, in the order in which they ran, and what it took.

    `name` is the runtime's own, `kind` its type there. `block` is the path of the block that it
    belongs to; where it is in none, `residual` names the cause instead. Operators add up to the
    blocks and the residual, to rounding.
    """

    name: str
    kind: str
    block: str | None
    residual: str | None
    ns: int


@dataclass(frozen=True, slots=True)
class Interval:
    """A median, or another statistic, with its confidence interval, in ns."""

    median: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Paired:
    """Medians over launches of a plain and a traced copy that alternate in one process, in ns."""

    plain_ns: int
    traced_ns: int
    launches: int
    iterations: int


@dataclass(frozen=True, slots=True)
class Sustained:
    """
    Inferences one right after the other in a single process: raw times in ns, and their summaries.

    `slope` is by what share a time grows per minute of load, from `slope_low` to `slope_high` with
    95 % confidence. `seconds` is what the inferences took together; warm-up came before them.
    """

    ns: tuple[int, ...]
    warmup_ns: tuple[int, ...]
    seconds: float
    median_ns: int
    p90_ns: Interval
    slope: float
    slope_low: float
    slope_high: float


@dataclass(frozen=True, slots=True)
class Validity:
    """
    Whether the numbers can be trusted; every warning says what is wrong and what to do.

    `reasons` are the names of what is wrong, as in docs/statistics.md.
    """

    ok: bool
    warnings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ArtifactId:
    """
    What a measurement or verdict says about the artifact it is of.

    `target` is the architecture that its form was chosen for, "" where none was.
    """

    backend: str
    sha256: str
    recipe: Recipe
    recipe_key: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class DeviceId:
    """Where a measurement was made."""

    name: str
    emulated: bool
    machine: str
    cpu: str


@dataclass(frozen=True, slots=True)
class Reading:
    """
    One look at a device's state; None is unknown.

    The temperature is that of the processor's hottest sensor, frequencies are by processor number.
    `throttled` names what holds the device back, () is nothing. Battery and screen are a phone's.
    `cpu` is the processor that the runner was on; only a reading of its own has it.
    """

    temperature_c: float | None = None
    frequency_khz: Mapping[str, int] | None = None
    governor: str | None = None
    cpuset: str | None = None
    throttled: tuple[str, ...] | None = None
    load: float | None = None
    battery_percent: float | None = None
    charging: bool | None = None
    screen_on: bool | None = None
    cpu: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    How a device's profile wants it to be held: what the readings are to be compared with.

    `max_khz` is by processor number. "", None and False ask for nothing.
    """

    max_khz: Mapping[str, int] = field(default_factory=dict)
    governor: str = ""
    cooldown_s: float = 0.0
    start_temperature_c: float | None = None
    stay_awake: bool = False
    fixed_performance: bool = False


@dataclass(frozen=True, slots=True)
class Conditions:
    """
    The machine's state around a measurement; None is unknown.

    Loads are one-minute averages. `competing_cores` is how many cores' worth of processor time
    went to other processes while ours ran. A device is also looked at before, after each launch
    and in the end; `unknown` names what could not be read or set, `notes` what else a reader has to
    know. `starts_c` are the temperatures at which launches began, if the profile wants one.
    """

    load_before: float | None
    load_after: float | None
    cores: int
    competing_cores: float | None = None
    before: Reading | None = None
    during: tuple[Reading, ...] = ()
    after: Reading | None = None
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    wanted: Wanted | None = None
    starts_c: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Measurement:
    """
    Latency of one artifact on one device.

    `runs[i][j]` is iteration j of process launch i in integer ns, of plain unpaired launches;
    `latency_ns` and `p90_ns` summarise them, over launches; what came before each launch had warmed
    up is in `warmup_runs`, and `unsettled` are the launches that never did. `blocks` and `residual`
    come from paired traced launches; they are None, with the reason in `refusal`, where the mapping
    could not be proved. `operators` are what they are made of, () where launches ran different
    ones.
    closure = (sum of blocks + sum of residual) / paired plain time.
    `runner_sha256` is of the user's own runner, if that was used. With `clock` "instructions" a
    nanosecond is an instruction, and nothing here is a latency. `sustained` is a process of its own
    under continuous load, if that was asked for. `counters` are medians over launches.
    """

    artifact: ArtifactId
    device: DeviceId
    engine: str
    engine_version: str
    libraries: Mapping[str, str]
    clock: str
    method: str
    threads: int
    cpus: tuple[int, ...]
    latency_ns: Interval
    runs: tuple[tuple[int, ...], ...]
    warmup_runs: tuple[tuple[int, ...], ...]
    load_ns: int
    first_ns: int
    peak_rss_bytes: int
    paired: Paired | None
    blocks: tuple[BlockTime, ...] | None
    residual: Residual | None
    refusal: str | None
    profiler_overhead_ns: int | None
    closure: float | None
    conditions: Conditions
    validity: Validity
    taken_at: str
    runner_sha256: str | None = None
    p90_ns: Interval | None = None
    unsettled: tuple[int, ...] = ()
    sustained: Sustained | None = None
    operators: tuple[OperatorTime, ...] = ()
    counters: Counters | None = None

    def __post_init__(self) -> None:
        if not self.runs or not all(self.runs):
            raise ValueError("a measurement needs at least one run of at least one iteration")
        if any(ns <= 0 for run in self.runs for ns in run):
            raise ValueError("a latency must be a positive number of nanoseconds")


Evidence = Literal["runtime", "program"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    Whether one artifact still computes what PyTorch computes; truthy when it does.

    `evidence` is what computed it: its runtime, or "program", attnbench's own evaluation of the
    saved program, because the runtime does not exist here. Then `notes` begin with what that means.
    `divergence` is where it first differs, if that was looked for; `power` what the gate would
    have missed, if that was asked. `blind` is why passing says little of it, a sentence each.
    """

    artifact: ArtifactId
    device: str
    cases: tuple[Case, ...]
    notes: tuple[str, ...] = ()
    evidence: Evidence = "runtime"
    divergence: Divergence | None = None
    power: Power | None = None
    blind: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cases) and all(case.passed for case in self.cases)
