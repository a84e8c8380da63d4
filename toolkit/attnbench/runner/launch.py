"""One launch of the runner per call: a job and tensors in, tensors, times or a trace out."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from attnbench.errors import (
    AttnbenchError,
    BadArtifact,
    BadInput,
    BadOption,
    MissingTool,
    RunnerError,
)
from attnbench.records import Counters, Event, Launch, Operator, TensorSpec, Trace
from attnbench.runner.place import Argument, Finished, Local, Place, Reads, Writes

Array = NDArray[Any]

# The runner's exit codes, which are private to it and this table.
_ERRORS: Mapping[int, type[AttnbenchError]] = {
    2: BadOption,
    3: MissingTool,
    4: BadArtifact,
    5: BadInput,
    6: RunnerError,
}


@dataclass(frozen=True, slots=True)
class Job:
    """
    What to run, and how; `sha256` "" is not checked, `cpus` () are those that we may use.

    With `stagger_us`, the period of a timer, timed inferences begin at different phases of it.
    """

    engine: str
    model: Path
    sha256: str = ""
    threads: int = 1
    cpus: tuple[int, ...] = ()
    timeout_s: float = 300.0
    stagger_us: int = 0
    place: Place = field(default_factory=Local)


@dataclass(frozen=True, slots=True)
class Info:
    """What a runtime says of an artifact that it has loaded."""

    engine: str
    version: str
    libraries: Mapping[str, str]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, slots=True)
class _Library:
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class _Report:
    """The runner's document; what `info` and `run` do not say has a default."""

    engine: str
    version: str
    libraries: tuple[_Library, ...]
    threads: int
    cpus: tuple[int, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    load_ns: int
    first_ns: int = 0
    warmup_ns: tuple[int, ...] = ()
    plain_ns: tuple[int, ...] = ()
    traced_ns: tuple[int, ...] = ()
    peak_rss_bytes: int = 0
    counters: Counters | None = None

    @property
    def digests(self) -> dict[str, str]:
        return {library.file: library.sha256 for library in self.libraries}


@dataclass(frozen=True, slots=True)
class _Complaint:
    message: str


@dataclass(frozen=True, slots=True)
class _RawTrace:
    engine: str
    resolution_ns: int
    clock_read_ns: int
    operators: tuple[Operator, ...]
    iterations: tuple[tuple[tuple[int, int, int], ...], ...]


def info(job: Job) -> Info:
    """Load the artifact and say what it takes and gives."""
    report = _launch(job, "info", [])
    return Info(report.engine, report.version, report.digests, report.inputs, report.outputs)


def compute(job: Job, inputs: Sequence[Sequence[Array]]) -> list[list[Array]]:
    """The outputs for each set of inputs, all computed in one process."""
    with tempfile.TemporaryDirectory(prefix="attnbench-") as folder:
        arguments: list[Argument] = []
        outputs = [Path(folder) / f"output{number}.bin" for number in range(len(inputs))]
        for number, (arrays, output) in enumerate(zip(inputs, outputs, strict=True)):
            source = _save(Path(folder) / f"input{number}.bin", arrays)
            arguments += ["--input", Reads(source), "--output", Writes(output)]
        report = _launch(job, "run", arguments)
        for arrays in inputs:
            _check_inputs(report, arrays)
        return [_split(report, output.read_bytes()) for output in outputs]


def measure(job: Job, inputs: Sequence[Array], warmup: int, iterations: int) -> Launch:
    """Latency of one process: `warmup` and then `iterations` inferences, nothing else running."""
    with tempfile.TemporaryDirectory(prefix="attnbench-") as folder:
        source = _save(Path(folder) / "input.bin", inputs)
        return _time(job, inputs, ["--input", Reads(source)], warmup, iterations)


def measure_paired(
    job: Job,
    inputs: Sequence[Array],
    warmup: int,
    iterations: int,
    graph: Path | None = None,
) -> tuple[Launch, Trace]:
    """
    Latency of a plain and a traced copy that alternate in one process, and the latter's trace.

    `graph` is where to save the graph that ran, for an engine that `saves_graph`.
    """
    with tempfile.TemporaryDirectory(prefix="attnbench-") as folder:
        source = _save(Path(folder) / "input.bin", inputs)
        trace = Path(folder) / "trace.json"
        arguments: list[Argument] = ["--input", Reads(source), "--paired", "--trace", Writes(trace)]
        if graph is not None:
            arguments += ["--graph", Writes(graph)]
        launch = _time(job, inputs, arguments, warmup, iterations)
        return launch, _read_trace(trace, iterations, graph)


def _time(
    job: Job, inputs: Sequence[Array], arguments: Sequence[Argument], warmup: int, iterations: int
) -> Launch:
    counts = ["--warmup", str(warmup), "--iterations", str(iterations)]
    if job.stagger_us:
        counts += ["--stagger-us", str(job.stagger_us)]
    report = _launch(job, "time", [*arguments, *counts])
    _check_inputs(report, inputs)
    return Launch(
        engine=report.engine,
        version=report.version,
        libraries=report.digests,
        threads=report.threads,
        cpus=report.cpus,
        load_ns=report.load_ns,
        first_ns=report.first_ns,
        warmup_ns=report.warmup_ns,
        plain_ns=report.plain_ns,
        traced_ns=report.traced_ns,
        peak_rss_bytes=report.peak_rss_bytes,
        inputs=report.inputs,
        outputs=report.outputs,
        counters=_each(report.counters, iterations),
    )


def _each(all_of_them: Counters | None, iterations: int) -> Counters | None:
    """Of one inference."""
    if all_of_them is None:
        return None
    counts = {name: count / iterations for name, count in all_of_them.counts.items()}
    return replace(all_of_them, counts=counts)


def _launch(job: Job, command: str, arguments: Sequence[Argument]) -> _Report:
    words: list[Argument] = [command, job.engine, Reads(job.model), *arguments]
    words += ["--threads", str(job.threads)]
    if job.sha256:
        words += ["--sha256", job.sha256]
    if job.cpus:
        words += ["--cpus", ",".join(map(str, job.cpus))]
    finished = job.place(job.engine, words, job.timeout_s)
    if finished.code:
        raise failure(job.engine, str(job.model), finished)
    try:
        return msgspec.json.decode(finished.stdout, type=_Report)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise RunnerError(f"{job.engine}: the runner's document is none: {error}") from error


def failure(who: str, what: str, finished: Finished) -> AttnbenchError:
    """The error for a runner that did not end well, in its own words where it had any."""
    # A shell, which stands between us and a device, reports signal n as 128 + n.
    number = -finished.code if finished.code < 0 else finished.code - 128
    last = (finished.stderr.strip().splitlines() or [""])[-1]
    if number > 0:
        known = number in set(signal.Signals)
        name = signal.Signals(number).name if known else f"signal {number}"
        return RunnerError(f"{who} died of {name} with {what}", hint=last)
    try:
        message = msgspec.json.decode(finished.stdout, type=_Complaint).message
    except (msgspec.DecodeError, msgspec.ValidationError):
        return RunnerError(f"{who}: the runner ended with code {finished.code}", hint=last)
    return _ERRORS.get(finished.code, RunnerError)(f"{who}: {message}")


def _save(path: Path, arrays: Sequence[Array]) -> Path:
    path.write_bytes(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays))
    return path


def _check_inputs(report: _Report, arrays: Sequence[Array]) -> None:
    """The runner sees bytes only, so that their number fits says little."""
    given = tuple(TensorSpec(str(array.dtype), array.shape) for array in arrays)
    if given != report.inputs:
        raise BadInput(f"the model takes {_text(report.inputs)}, not {_text(given)}")


def _text(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(f"{spec.dtype}{list(spec.shape)}" for spec in specs) or "nothing"


def _split(report: _Report, data: bytes) -> list[Array]:
    arrays: list[Array] = []
    for spec in report.outputs:
        dtype = np.dtype(spec.dtype)
        size = dtype.itemsize * int(np.prod(spec.shape, dtype=np.int64))
        if len(data) < size:
            raise RunnerError(f"{report.engine}: its outputs are cut short")
        arrays.append(np.frombuffer(data[:size], dtype).reshape(spec.shape).copy())
        data = data[size:]
    return arrays


def _read_trace(path: Path, iterations: int, graph: Path | None) -> Trace:
    try:
        raw = msgspec.json.decode(path.read_bytes(), type=_RawTrace)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise RunnerError(f"the runner's trace is none: {error}") from error
    known = range(len(raw.operators))
    if len(raw.iterations) != iterations or any(
        event[0] not in known for events in raw.iterations for event in events
    ):
        raise RunnerError(f"{raw.engine}: the trace is not one of {iterations} inferences")
    return Trace(
        engine=raw.engine,
        resolution_ns=raw.resolution_ns,
        operators=raw.operators,
        iterations=tuple(tuple(Event(*event) for event in events) for events in raw.iterations),
        graph=None if graph is None else str(graph),
        clock_read_ns=raw.clock_read_ns,
    )
