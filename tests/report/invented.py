"""A run with INVENTED numbers: plausible, made by formula, measured nowhere. For tests only."""

import math
from dataclasses import asdict, replace

from attnbench.attribution.places import Place
from attnbench.pipeline.bench import Measured
from attnbench.pipeline.compare import compare
from attnbench.pipeline.trial import Interleaved, Pair, Plan
from attnbench.records import (
    ArtifactId,
    BlockTime,
    Case,
    Conditions,
    Counters,
    DeviceId,
    Interval,
    Measurement,
    Noise,
    OperatorTime,
    Paired,
    Reading,
    Residual,
    Validity,
    Verdict,
)
from attnbench.store import Run
from attnbench_models import Recipe

WHEN = "2001-01-01T00:00:00.000000+00:00"
RECIPE = Recipe(block="coord")
DEVICE = DeviceId("host", emulated=False, machine="x86_64", cpu="Invented CPU @ 2.00 GHz")


def artifact(backend):
    return ArtifactId(backend, backend.encode().hex().ljust(64, "0"), RECIPE, RECIPE.key)


def tree():
    """(path, kind) of a MobileNetV2 with 16 attention blocks; all but features.0 have one."""
    paths = [("", "backbone"), ("stem", "backbone")]
    for i in range(17):
        paths.append((f"features.{i}", "backbone"))
        if i:
            paths.append((f"features.{i}.attention", "attention"))
    return [*paths, ("head", "backbone")]


def spent(path, at, scale):
    """Invented ns: large early and late, attention about a third of its block."""
    if path == "":
        return round(400 * scale)  # below the resolution of 1 µs at scale 1
    weight = 1 + 3 / (1 + at / 4) + (2.5 if path == "head" else 0)
    part = 0.36 if path.endswith("attention") else 1.0
    return round(38_000 * scale * weight * part) + 7 * at


def blocks(scale, resolution_ns, residual):
    times = [(p, k, spent(p, at, scale)) for at, (p, k) in enumerate(tree())]
    total = sum(ns for _, _, ns in times) + residual.total
    return tuple(BlockTime(p, k, ns, ns / total, resolution_ns) for p, k, ns in times)


def operators(times, residual):
    """Two or three of each block, which add up to it; one of each residual that takes time."""
    found = []
    for block in times:
        kinds = ("Conv", "Relu", "Mul") if block.kind == "attention" else ("Conv", "Clip")
        parts = [block.ns // (at + 2) for at in range(len(kinds) - 1)]
        parts = [block.ns - sum(parts), *parts]
        found += [
            OperatorTime(f"/{block.path}/{kind}", kind, block.path, None, ns)
            for kind, ns in zip(kinds, parts, strict=True)
        ]
    spent = {key: ns for key, ns in asdict(residual).items() if ns}
    return (*found, *(OperatorTime(key, "Reorder", None, key, ns) for key, ns in spent.items()))


def measurement(backend, scale, residual, closure, resolution_ns=1):
    times = blocks(scale, resolution_ns, residual)
    total = sum(block.ns for block in times) + residual.total
    plain = round(total / closure)
    runs = tuple(tuple(plain + 900 * i + 40 * j for j in range(50)) for i in range(10))
    return Measurement(
        artifact=artifact(backend),
        device=DEVICE,
        engine=backend,
        engine_version="9.9.9",
        libraries={f"lib{backend}.so": "0" * 64},
        clock="monotonic",
        method="trace",
        threads=1,
        cpus=(0,),
        latency_ns=Interval(plain + 5_000, plain - 21_000, plain + 37_000),
        runs=runs,
        warmup_runs=tuple((plain * 2, plain) for _ in runs),
        load_ns=31_000_000,
        first_ns=plain * 3,
        peak_rss_bytes=91_000_000,
        paired=Paired(plain, round(plain * 1.04), 6, 60),
        blocks=times,
        residual=residual,
        refusal=None,
        profiler_overhead_ns=round(plain * 0.03),
        closure=total / plain,
        conditions=Conditions(0.31, 0.62, 2, 0.05),
        validity=Validity(ok=True),
        taken_at=WHEN,
        p90_ns=Interval(plain + 9_000, plain - 17_000, plain + 41_000),
        operators=operators(times, residual),
        counters=Counters({"cycles": 2 * plain, "instructions": 3 * plain}, {"branch_misses": "?"}),
    )


def readings():
    """Of a device that grows warm and is throttled in the end."""
    return tuple(
        Reading(
            temperature_c=45.0 + at,
            frequency_khz={"0": 2_400_000 - 300_000 * (at > 12), "1": 600_000},
            governor="performance",
            throttled=("frequency capped",) if at > 12 else (),
            load=0.2 + 0.05 * at,
        )
        for at in range(16)
    )


def watched(m):
    """The measurement with what was read of its device."""
    first, *during, last = readings()
    seen = replace(m.conditions, before=first, during=tuple(during), after=last)
    return replace(m, conditions=seen)


def refused(backend, scale):
    whole = measurement(backend, scale, Residual(), 1.0)
    reason = "431 delegate nodes in the trace, 427 in the manifest: export the artifact again"
    return replace(
        whole,
        blocks=None,
        residual=None,
        operators=(),
        closure=None,
        profiler_overhead_ns=None,
        refusal=reason,
    )


def verdict(backend, scale=1.0):
    cases = []
    for at, name in enumerate(("natural", "noise", "constant", "saturating")):
        error = 3e-7 * scale * (1 + at / 3)
        cases += [
            case(name, "max_error", "of range", error, 2.4e-6, "lower"),
            case(name, "snr", "dB", 131.0 - 2 * at - 60 * (scale > 5), 112.5, "higher"),
            case(name, "cosine", "", 1 - 4e-12 * scale**2, 1 - 5.6e-11, "higher"),
            case(name, "top1", "", 1.0, 1.0, "higher"),
        ]
    return Verdict(artifact(backend), "host", tuple(cases))


def case(name, metric, unit, value, limit, better):
    good = value <= limit if better == "lower" else value >= limit
    return Case(name, metric, unit, value, limit, better, good)


def nan_case():
    return Case("saturating", "snr", "dB", None, 112.5, "higher", passed=False)


def run():
    """Three runtimes: a good one, one with warnings that closes badly, one refused and failing."""
    onnx = measurement("onnx", 1.0, Residual(21_000, 0, 34_000, 12_000), 1.003)
    busy = replace(
        measurement("tflite", 0.62, Residual(0, 9_000, 0, 4_000), 0.964, resolution_ns=1000),
        validity=Validity(
            ok=False,
            warnings=(
                "closure 0.964 is outside of 1 ± 0.02: the blocks do not add up to the inference; "
                "measure again on an idle machine",
                "load average rose to 1.92 on 2 cores: stop other work and measure again",
            ),
        ),
    )
    failing = verdict("executorch", 20.0)
    failing = replace(
        failing,
        cases=(
            *(c for c in failing.cases if (c.input, c.metric) != ("saturating", "snr")),
            nan_case(),
        ),
        notes=("blind to features.4.attention: with it replaced by identity these limits pass",),
    )
    return Run(
        taken_at=WHEN,
        measurements=(onnx, busy, refused("executorch", 1.1)),
        verdicts=(verdict("onnx"), verdict("tflite", 2.0), failing),
    )


def launches(of, factor=1.0, phase=1.7):
    """Sixteen launches of a measurement, which go up and down by half a percent, with blocks."""
    wobble = [factor * (1 + 0.005 * math.sin(phase * i)) for i in range(16)]
    runs = zip(wobble, (of.runs * 2)[:16], strict=True)
    places = [
        {Place(block.path): part * block.ns for block in of.blocks} | {Place(None, "layout"): 21e3}
        for part in wobble
    ]
    shown = replace(of, runs=tuple(tuple(round(part * ns) for ns in run) for part, run in runs))
    return Measured(shown, tuple(places))


def comparison(factor=1.1, limit=None, detect=None):
    """B takes `factor` of A's time, in each block; eight rounds."""
    one = measurement("onnx", 1.0, Residual(21_000), 1.003)
    turns = Interleaved(Plan(seed=1, detect=detect), ("ABBA", "BAAB") * 4, 4.0)
    return compare(Pair(launches(one), launches(one, factor, 2.3), turns), limit)


def noise():
    """Of a device on which two of forty experiments were false alarms."""
    times = {"60": 0.02, "300": 0.009, "1200": 0.0045}
    return Noise(
        DEVICE, "plain (onnx 9)", 40, 8, 2, 0.006, 0.17, 0.05, 1.5, times, Validity(ok=True), WHEN
    )
