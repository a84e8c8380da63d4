"""The facts that flow through attnbench: frozen, validated where they are made, JSON in and out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from attnbench_models import Recipe

SCHEMA = 1

Kind = Literal["attention", "backbone"]


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A tensor at the border of a model; `dtype` as NumPy spells it."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the model that gets a time of its own: an nn.Module path."""

    path: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Scope:
    """
    Where one exported operator comes from.

    `value` is the name of its first output in the artifact, `operator` its kind there, `path` the
    nn.Module that called it ("" is the model itself, None unknown), `delegate` the ordinal of the
    delegate that it was put into (None: it runs outside), `inserted` whether the converter added
    it for a layout of its own.
    """

    value: str
    operator: str
    path: str | None
    delegate: int | None = None
    inserted: bool = False


@dataclass(frozen=True, slots=True)
class Undelegated:
    """An operator that fell out of the delegate, and why."""

    operator: str
    path: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Delegation:
    """How many delegates a runtime makes of the artifact, and what runs outside them."""

    delegates: int
    delegated: int
    outside: tuple[Undelegated, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """A rewrite that changed the exported graph, and the modules where it did."""

    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """The weights that the artifact was made from: a safetensors file beside it."""

    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """
    An exported model. The digest, not the path, is its identity.

    `path` is absolute and not part of the manifest, which lies beside the file as `<file>.json`
    and holds everything else. A folder (Core ML) is digested over its sorted files.
    """

    path: str
    backend: str
    sha256: str
    bytes: int
    recipe: Recipe
    recipe_key: str
    reference: Reference | None
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    tools: Mapping[str, str]
    rewrites: tuple[Applied, ...]
    blocks: tuple[Block, ...]
    scopes: tuple[Scope, ...]
    delegation: Delegation


@dataclass(frozen=True, slots=True)
class Operator:
    """
    One line of a runtime's profile.

    `name` is the runtime's own (a node's name, or a kernel's), `kind` its operator type there.
    `level` is "operator" for exclusive leaf work, "profiler" for the profiler's own, "delegate"
    and "model" for what encloses them.
    `inputs` is the number of its input tensors where the runtime tells, else 0.
    """

    name: str
    kind: str
    level: Literal["operator", "profiler", "delegate", "model"] = "operator"
    inputs: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """One operator of one inference: an index into the trace's operators, start and duration."""

    operator: int
    start_ns: int
    ns: int


@dataclass(frozen=True, slots=True)
class Trace:
    """
    What a runtime's profiler said: per inference the events, in the order in which they ended.

    `resolution_ns` is the profiler's clock step; durations are rounded down to it.
    `clock_read_ns` is what one reading of it takes; an operator's duration holds one.
    `graph` is the path of the optimised graph that ran, where the runtime writes one.
    """

    engine: str
    resolution_ns: int
    operators: tuple[Operator, ...]
    iterations: tuple[tuple[Event, ...], ...]
    graph: str | None = None
    clock_read_ns: int = 0


@dataclass(frozen=True, slots=True)
class Launch:
    """
    What one process of the runner measured; raw integer nanoseconds, warm-up apart.

    `plain_ns` are the timed inferences; with a paired trace `traced_ns` are those of the traced
    copy that alternated with them. Sizes in bytes; `libraries` maps file name to sha256.
    """

    engine: str
    version: str
    libraries: Mapping[str, str]
    threads: int
    cpus: tuple[int, ...]
    load_ns: int
    first_ns: int
    warmup_ns: tuple[int, ...]
    plain_ns: tuple[int, ...]
    traced_ns: tuple[int, ...]
    peak_rss_bytes: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


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
class Interval:
    """A median with its confidence interval, in ns."""

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
class Validity:
    """Whether the numbers can be trusted; every warning says what is wrong and what to do."""

    ok: bool
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ArtifactId:
    """What a measurement or verdict says about the artifact it is of."""

    backend: str
    sha256: str
    recipe: Recipe
    recipe_key: str


@dataclass(frozen=True, slots=True)
class DeviceId:
    """Where a measurement was made."""

    name: str
    emulated: bool
    machine: str
    cpu: str


@dataclass(frozen=True, slots=True)
class Conditions:
    """
    The machine's state around a measurement; None is unknown.

    Loads are one-minute averages. `competing_cores` is how many cores' worth of processor time
    went to other processes while ours ran.
    """

    load_before: float | None
    load_after: float | None
    cores: int
    competing_cores: float | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """
    Latency of one artifact on one device.

    `runs[i][j]` is iteration j of process launch i in integer ns, of plain unpaired launches;
    `latency_ns` summarises them. `blocks` and `residual` come from paired traced launches; they
    are None, with the reason in `refusal`, where the mapping could not be proved.
    closure = (sum of blocks + sum of residual) / paired plain time.
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

    def __post_init__(self) -> None:
        if not self.runs or not all(self.runs):
            raise ValueError("a measurement needs at least one run of at least one iteration")
        if any(ns <= 0 for run in self.runs for ns in run):
            raise ValueError("a latency must be a positive number of nanoseconds")


@dataclass(frozen=True, slots=True)
class Case:
    """One metric on one input, held against its limit; `value` None is not a number."""

    input: str
    metric: str
    unit: str
    value: float | None
    limit: float
    better: Literal["lower", "higher"]
    passed: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one artifact still computes what PyTorch computes; truthy when it does."""

    artifact: ArtifactId
    device: str
    cases: tuple[Case, ...]
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cases) and all(case.passed for case in self.cases)
