"""What the runner says: events, traces, launches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from attnbench.records.exported import TensorSpec


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
class Counters:
    """
    What hardware counters say of one inference, by name, and why there is none of the others.

    They count in user mode, in all threads, with what feeds the inference. What was not counted in
    full is in `unknown`: a count is never an estimate and never zero.
    """

    counts: Mapping[str, float]
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Launch:
    """
    What one process of the runner measured; raw integer nanoseconds, warm-up apart.

    `plain_ns` are the timed inferences; with a paired trace `traced_ns` are those of the traced
    copy that alternated with them. Sizes in bytes; `libraries` maps file name to sha256.
    `settled` is whether warm-up ended and stayed over, None where nobody looked or could tell.
    `counters` are means over the timed inferences, None where they were not read.
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
    settled: bool | None = None
    counters: Counters | None = None
