"""
Is the native runner as fast as the runtimes' own Python packages?

    python benchmarks/runner_vs_python.py net.onnx net.tflite net.pte [--launches 6]

Launches of the runner and of a Python loop around the official package alternate (ABBA), each in a
process of its own, on the same random input with one thread. Prints, per artifact, the median over
launches of each one's median latency, and the median of the paired ratios runner / Python. A ratio
from 0.95 to 1.02 says that the runner measures the runtime and not itself.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from attnbench.runner import Job, info, measure

ENGINES = {".onnx": "onnxruntime", ".tflite": "litert", ".pte": "executorch"}
WARMUP = 10


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


def compare(model: Path, launches: int, iterations: int) -> None:
    job = Job(ENGINES[model.suffix], model)
    random = np.random.default_rng(0)
    specs = info(job).inputs
    inputs = [random.standard_normal(spec.shape).astype(spec.dtype) for spec in specs]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "inputs.npz"
        np.savez(source, *inputs)
        rows = []
        for launch in range(launches):
            sides = {
                "runner": lambda: statistics.median(
                    measure(job, inputs, WARMUP, iterations).plain_ns
                ),
                "python": lambda: python_median(job, source, iterations),
            }
            order = list(sides) if launch % 2 == 0 else list(sides)[::-1]
            row = {side: sides[side]() for side in order}
            rows.append((row["runner"], row["python"]))
    runner, python = (statistics.median(row[i] for row in rows) / 1e6 for i in (0, 1))
    ratio = statistics.median(a / b for a, b in rows)
    print(f"{model.name:24} runner {runner:8.3f} ms  python {python:8.3f} ms  ratio {ratio:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0].strip())
    parser.add_argument("--launches", type=int, default=6)
    parser.add_argument("--iterations", type=int, default=60)
    parser.add_argument("--python", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs="+", metavar="ARTIFACT")
    options = parser.parse_args()
    if options.python:
        engine, model, source = options.arguments
        python_loop(engine, model, source, options.iterations)
        return
    for artifact in options.arguments:
        compare(Path(artifact), options.launches, options.iterations)


if __name__ == "__main__":
    main()
