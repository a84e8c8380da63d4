"""The report's sentences: whose numbers these are, what is wrong with them, how they were made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from attnbench.attribution.conserve import CLOSES_WITHIN
from attnbench.records import ArtifactId, Comparison, Measurement
from attnbench.report import comparison, counters_table, divergence, power, studies, units
from attnbench.report.margins import worst
from attnbench.report.view import (
    Column,
    Judged,
    columns,
    counted,
    distinct,
    judged,
    measured,
    sums,
)
from attnbench.stats import FEWEST
from attnbench.store import Run

COUNTED = (
    "instruction time, not a latency: the instructions that were executed, one nanosecond each. It "
    "sees no caches, no memory and no clock: an alarm for code that became longer"
)


Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know before the numbers are used; `subject` is the column that it is about."""

    severity: Severity
    subject: str
    text: str


def title(run: Run) -> str:
    """The recipes' names: `mobilenetv2-coord`."""
    names = (*(a.recipe.name for a in _artifacts(run)), *studies.titles(run))
    return ", ".join(distinct(names)) or "empty run"


def setting(run: Run) -> str:
    """Recipe, device, clock and threads on one line, each fact once however many measurements."""
    facts = [title(run), ", ".join(distinct(_recipe(a) for a in _artifacts(run)))]
    shown = measured(run)
    if shown:
        facts.append(", ".join(distinct(_device(m) for m in shown)))
        clocks = f"clock {', '.join(distinct(m.clock for m in shown))}"
        facts.append("instruction time, not a latency" if counted(shown) else clocks)
        facts.append(", ".join(distinct(units.counted(m.threads, "thread") for m in shown)))
    return " · ".join(filter(None, facts))


def quantity(run: Run) -> str:
    """What its times are: `Latency`."""
    return "Instruction time" if counted(measured(run)) else "Latency"


def answer(run: Run) -> tuple[str, ...]:
    """What the run found, one sentence for the cost in each runtime and one for parity."""
    held = (sentence for one in run.comparisons for sentence in comparison.sentences(one))
    costs = (_cost(column) for column in columns(run))
    return (*studies.sentences(run), *held, *costs, *_parity(judged(run)))


def notices(run: Run) -> tuple[Notice, ...]:
    """Everything that is wrong or odd, worst first."""
    found = [n for column in columns(run) for n in _of_measurement(column)]
    found += [n for one in judged(run) for n in _of_verdict(one)]
    found += [n for one in run.comparisons for n in _of_comparison(one)]
    found += [n for one in run.costs for n in _of_comparison(one.comparison)]
    found += [Notice(*said) for said in studies.notices(run)]
    order = ("error", "warning", "note")
    return tuple(sorted(found, key=lambda notice: order.index(notice.severity)))


def method(run: Run) -> tuple[tuple[str, str], ...]:
    """Terms and what they mean in this run."""
    held = dict.fromkeys(map(comparison.terms, run.comparisons))
    times = *_latency_terms(run.measurements), *counters_table.terms(measured(run))
    return (*studies.terms(run), *held, *times, *_parity_terms(run))


def _artifacts(run: Run) -> Iterator[ArtifactId]:
    yield from (m.artifact for m in measured(run))
    yield from (v.artifact for v in run.verdicts)


def _recipe(artifact: ArtifactId) -> str:
    recipe = artifact.recipe
    height, width = recipe.size
    weights = "checkpoint" if recipe.checkpoint else f"seed {recipe.seed}"
    images = f"{recipe.batch} images of " if recipe.batch > 1 else ""
    return f"{images}{height}×{width} px, {recipe.precision}, {weights}"


def _device(measurement: Measurement) -> str:
    device = measurement.device
    kind = "emulated " if device.emulated else ""
    return f"{device.name} ({kind}{device.machine}, {device.cpu})"


def _cost(column: Column) -> str:
    m, total = column.measurement, sums(column.measurement)
    kind = " of instruction time" if counted([m]) else ""
    whole = f"{column.label}: {units.duration(m.latency_ns.median)}{kind} an inference"
    if (batch := m.artifact.recipe.batch) > 1:
        whole += f" of {batch} images, {units.duration(m.latency_ns.median / batch)} an image"
    if total is None:
        return f"{whole}, not attributed to blocks."
    if all(block.kind == "backbone" for block in m.blocks or ()):
        return f"{whole}, without attention."
    part = f"{units.duration(total.attention_ns)}, {units.percent(total.attention_share)}"
    return f"{whole}; attention takes {part} of the attributed time."


def _parity(shown: tuple[Judged, ...]) -> Iterator[str]:
    failed = [one.label for one in shown if not one.verdict]
    blind = [one.label for one in shown if one.verdict and one.verdict.blind]
    ran = [one.label for one in shown if one.verdict.evidence == "runtime"]
    sound = [label for label in ran if label not in blind]
    if failed:
        yield f"Parity with PyTorch fails: {', '.join(failed)}."
    elif sound:
        yield f"Parity with PyTorch passes: {', '.join(sound)}."
    if blind:
        yield f"Parity with PyTorch passes but is blind, so it proves little: {', '.join(blind)}."
    for one in shown:
        if one.verdict and one.verdict.evidence == "program":
            yield f"{one.label}: program verified, runtime not run."


def _of_measurement(column: Column) -> Iterator[Notice]:
    m = column.measurement
    yield from (Notice("warning", column.label, text) for text in m.validity.warnings)
    if not m.validity.ok and not m.validity.warnings:
        yield Notice("warning", column.label, "the measurement is not valid; measure again")
    reason = m.refusal or "they were not asked for"
    if m.blocks is None and not any(reason in text for text in m.validity.warnings):
        yield Notice("warning", column.label, f"no block times: {reason}")
    if counted([m]):
        yield Notice("note", column.label, COUNTED)
    elif m.device.emulated:
        text = "the device is emulated: its times are no latencies of the real one"
        yield Notice("note", column.label, text)
    yield from (Notice("note", column.label, text) for text in m.conditions.notes)
    made_for, machine = m.artifact.target, m.device.machine
    if made_for not in ("", machine):
        text = f"exported for {made_for}: --target {machine} may be faster on this device"
        yield Notice("note", column.label, text)
    if m.runner_sha256:
        text = f"measured with a runner of the user's own, sha256 {m.runner_sha256[:12]}"
        yield Notice("note", column.label, text)
    if m.conditions.unknown and not counted([m]):
        names = ", ".join(m.conditions.unknown)
        yield Notice("note", column.label, f"could not be read or set on the device: {names}")


def _of_comparison(one: Comparison) -> Iterator[Notice]:
    """What is wrong with either side, said once if it is of both."""
    sides = {"A": one.measurements[0].validity, "B": one.measurements[1].validity}
    said: dict[str, list[str]] = {}
    for side, validity in sides.items():
        for text in validity.warnings:
            said.setdefault(text, []).append(side)
    for text, found in said.items():
        yield Notice("warning", f"{one.a.backend} {' and '.join(found)}", text)
    yield from (Notice("note", one.a.backend, text) for text in one.notes)
    if one.rounds is None:
        yield Notice("note", one.a.backend, comparison.CAVEAT)


def _of_verdict(one: Judged) -> Iterator[Notice]:
    failed = [margin for margin in worst(one.verdict) if not margin.case.passed]
    if failed:
        metrics = ", ".join(f"{m.case.metric} on {m.case.input}" for m in failed)
        yield Notice("error", one.label, f"parity fails: {metrics}; do not trust this artifact")
    if not one.verdict.cases:
        yield Notice("error", one.label, "parity fails: no case was judged")
    if (found := one.verdict.divergence) is not None:
        yield Notice("error" if found.block else "note", one.label, divergence.told(found))
    if (sees := one.verdict.power) is not None:
        severity: Severity = "warning" if sees.blind_spots else "note"
        yield Notice(severity, one.label, power.summary(sees))
    yield from (Notice("warning", one.label, f"blind: {text}") for text in one.verdict.blind)
    yield from (Notice("note", one.label, text) for text in one.verdict.notes)


def _latency_terms(shown: tuple[Measurement, ...]) -> Iterator[tuple[str, str]]:
    if not shown:
        return
    if counted(shown):
        yield "Instruction time", COUNTED
    counts = distinct(f"{len(m.runs)} launches × {len(m.runs[0])} iterations" for m in shown)
    yield (
        "Median",
        f"Of the medians of the process launches ({', '.join(counts)}, after warm-up), timed with "
        f"the {', '.join(distinct(m.clock for m in shown))} clock around the runtime's own call, "
        "untraced.",
    )
    if not counted(shown):
        yield "Interval", _interval(min(len(m.runs) for m in shown))
    if any(m.blocks is not None for m in shown):
        yield from _attribution_terms(shown)


def _interval(launches: int) -> str:
    why = "Iterations of one process share caches and a clock frequency; launches do not."
    if launches >= FEWEST:
        return f"95 % confidence interval of the median over launches. {why}"
    return f"The whole range of the launches: fewer than {FEWEST} give no 95 % interval. {why}"


def _attribution_terms(shown: tuple[Measurement, ...]) -> Iterator[tuple[str, str]]:
    methods = ", ".join(distinct(m.method for m in shown if m.blocks is not None))
    pairs = ", ".join(
        distinct(f"{m.paired.launches} × {m.paired.iterations}" for m in shown if m.paired)
    )
    yield (
        "Blocks",
        f"Method: {methods}. The runtime's own operator events, each given to the deepest module "
        f"that it comes from, in launches where a plain and a traced copy alternate ({pairs}). "
        "Times are exclusive, so they add up. A time below the step of the profiler's clock is "
        "shown as < that step.",
    )
    yield (
        "Closure",
        "(blocks + residual) / paired plain time: 1 when the parts add up to the whole. What "
        "profiling adds to an event is calibrated apart and subtracted beforehand, so nothing "
        f"forces it to be 1. Outside of 1 ± {CLOSES_WITHIN:g} it is marked: blocks then account "
        "for less or more than there is.",
    )
    yield (
        "Residual",
        "Time of no block: layout (reordering tensors between kernels), delegate_boundary "
        "(entering and leaving delegates), runtime (outside of operators), unattributed "
        "(operators whose origin cannot be proved).",
    )
    yield "Share", "Of blocks + residual. It is no share of the median, which is of other launches."


def _parity_terms(run: Run) -> Iterator[tuple[str, str]]:
    if run.verdicts:
        yield (
            "Parity",
            "Outputs of the artifact in its runtime against PyTorch eager in float32 on the same "
            "input: largest error as a share of the output's range (max_error), signal to noise "
            "ratio (snr), cosine, and the same top-1 class where PyTorch itself is sure of it. "
            "Of detections also: boxes that would be reported, in pixels (box), scores (score), "
            "and how many of the best hundred keep their rank (ranking). "
            "“4× below” says that the error's amplitude is a quarter of what the limit allows.",
        )
    if any(one.power is not None for one in run.verdicts):
        yield power.TERM
    if any(one.evidence == "program" for one in run.verdicts):
        yield (
            "Program",
            "Core ML runs on macOS alone. Elsewhere the saved program is computed operator by "
            "operator, each in float64 and rounded to the type that the program gives its result. "
            "That finds what conversion did wrong, and nothing that Core ML itself does.",
        )
