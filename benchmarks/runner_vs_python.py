"""
Is the native runner as fast as the runtimes' own Python packages?

    python benchmarks/runner_vs_python.py net.onnx net.tflite net.pte [--rounds 8]

Launches of the runner and of a Python loop around the official package take turns as in `attnbench
compare`, A B B A or B A A B, each in a process of its own, on the same random input with one
thread. Prints, per artifact, the median over launches of each one's median latency, and the ratio
runner / Python with the interval of compare's test. They agree if all of it lies within 0.95 and
1.02: the loop in Python has some work of its own, the runner must have none. Exits 1 if an interval
lies outside, 7 if one is on both sides of an end: take more rounds then, on a quieter machine.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from attnbench.runner import Job, info, measure
from attnbench.stats import paired

ENGINES = {".onnx": "onnxruntime", ".tflite": "litert", ".pte": "executorch"}
WARMUP = 10
LEAST, MOST = 0.95, 1.02
CODES = {"DIFFER": 1, "inconclusive": 7, "agree": 0}


def onnxruntime(model: str, inputs: Sequence[np.ndarray]) -> Callable[[], object]:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feeds = dict(zip([one.name for one in session.get_inputs()], inputs, strict=True))
    return lambda: session.run(None, feeds)


def litert(model: str, inputs: Sequence[np.ndarray]) -> Callable[[], object]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model, num_threads=1)
    interpreter.allocate_tensors()
    names = interpreter.get_signature_runner()
    names(**{f"args_{number}": array for number, array in enumerate(inputs)})
    return interpreter.invoke


def executorch(model: str, inputs: Sequence[np.ndarray]) -> Callable[[], object]:
    import torch
    from executorch.extension.pybindings import portable_lib
    from executorch.runtime import Runtime

    portable_lib._unsafe_reset_threadpool(1)
    program = Runtime.get().load_program(model)
    method = program.load_method("forward")
    tensors = [torch.from_numpy(array) for array in inputs]
    return lambda: method.execute(tensors)


def python_loop(engine: str, model: str, source: str, iterations: int) -> None:
    """The other side: what `measure` does, in Python; runs in a process of its own."""
    with np.load(source) as stored:
        inputs = [stored[key] for key in stored]
    run = {"onnxruntime": onnxruntime, "litert": litert, "executorch": executorch}[engine](
        model, inputs
    )
    times = []
    for _ in range(WARMUP + iterations):
        start = time.perf_counter_ns()
        run()
        times.append(time.perf_counter_ns() - start)
    print(json.dumps(times[WARMUP:]))


def python_median(job: Job, source: Path, iterations: int) -> float:
    argv = [sys.executable, __file__, "--python", job.engine, str(job.model), str(source)]
    argv += ["--iterations", str(iterations)]
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment)
    return statistics.median(json.loads(done.stdout.splitlines()[-1]))


def compare(model: Path, rounds: int, iterations: int) -> str:
    """Print what one artifact takes in both; whether they agree."""
    job = Job(ENGINES[model.suffix], model)
    random = np.random.default_rng(0)
    specs = info(job).inputs
    inputs = [random.standard_normal(spec.shape).astype(spec.dtype) for spec in specs]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "inputs.npz"
        np.savez(source, *inputs)
        sides = {
            "A": lambda: python_median(job, source, iterations),
            "B": lambda: statistics.median(measure(job, inputs, WARMUP, iterations).plain_ns),
        }
        orders = paired.schedule(rounds, secrets.randbits(32))
        times = [[sides[letter]() for letter in order] for order in orders]
    found = paired.ratio([paired.score(*one) for one in zip(orders, times, strict=True)])
    python, runner = (
        statistics.median(
            ns
            for order, row in zip(orders, times, strict=True)
            for at, ns in zip(order, row, strict=True)
            if at == letter
        )
        for letter in "AB"
    )
    said = verdict(found.low, found.high)
    print(
        f"{model.name:24} runner {runner / 1e6:8.3f} ms  python {python / 1e6:8.3f} ms  "
        f"ratio {found.value:.3f}, {found.low:.3f} to {found.high:.3f}: {said}"
    )
    return said


def verdict(low: float, high: float) -> str:
    """Whether an interval of runner / Python lies within the band, outside, or on both sides."""
    if low >= LEAST and high <= MOST:
        return "agree"
    return "DIFFER" if high < LEAST or low > MOST else "inconclusive"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0].strip())
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--iterations", type=int, default=60)
    parser.add_argument("--python", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs="+", metavar="ARTIFACT")
    options = parser.parse_args()
    if options.python:
        engine, model, source = options.arguments
        python_loop(engine, model, source, options.iterations)
        return 0
    said = [
        compare(Path(artifact), options.rounds, options.iterations)
        for artifact in options.arguments
    ]
    return next((code for word, code in CODES.items() if word in said), 0)


if __name__ == "__main__":
    sys.exit(main())
