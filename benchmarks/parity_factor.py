"""
The smallest safe FACTOR of the float32 limit: `make bench-parity`, about 10 minutes.

Exports a slice of MobileNetV2 with each block and many seeds to every runtime, all clean, and
looks how far each output is from PyTorch in units of PyTorch's own float32-float64 distance. The
factor is the next power of two above the largest of them; smaller would raise a false alarm.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import warnings
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import nn

from attnbench.backends import BACKENDS
from attnbench.files import digest
from attnbench.parity.limits import FACTOR, FLOOR
from attnbench.parity.metrics import max_error, snr_db
from attnbench.pipeline.parity import ask
from attnbench.pipeline.reference import trace
from attnbench.records import TensorSpec
from attnbench.rewrites import REWRITES, rewrite
from attnbench.runner import Job, compute
from attnbench_models import create_model
from attnbench_models.weights import calibrate

SIZE = (64, 48)
BLOCKS = ("none", "se", "cbam", "coord", "nam")


class Slice(nn.Module):
    """The stem, three inverted residuals and a classifier of MobileNetV2."""

    def __init__(self, block: str) -> None:
        super().__init__()
        whole = create_model("mobilenetv2", block)
        self.stem, self.features = whole.stem, whole.features[:4]
        self.classifier = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(self.stem(x)).mean((2, 3)))


def distances(block: str, seed: int, backend: str, folder: Path) -> list[tuple[str, float, float]]:
    """Per input: name, error over PyTorch's own, SNR lost against PyTorch's own in dB."""
    torch.manual_seed(seed)
    model = Slice(block).eval()
    calibrate(model, SIZE, seed)
    example = (torch.randn(1, 3, *SIZE),)
    chosen = [one for one in REWRITES if backend in one.backends]
    program = trace(model, example).module(check_guards=False)
    program, _ = rewrite(program, example, chosen)
    exporter = BACKENDS.get(backend)
    path = folder / f"{block}-{seed}{exporter.format.suffix}"
    exporter.export(program, example, path)
    specs = tuple(TensorSpec("float32", tuple(x.shape)) for x in example)
    question = ask(model, SimpleNamespace(inputs=specs, border=None))
    got = compute(Job(exporter.format.engine, path, digest(path)), list(question.inputs.values()))
    found = []
    for expected, (output,) in zip(question.expected, got, strict=True):
        (single,), (double,) = expected.single, expected.double
        own = max(max_error(double, single), FLOOR / FACTOR)
        found.append(
            (
                expected.name,
                max_error(single, output) / own,
                snr_db(double, single) - snr_db(single, output),
            )
        )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--backends", default="onnx,tflite,executorch")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    worst: dict[str, float] = defaultdict(float)
    lost: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as folder:
        for backend in asked.backends.split(","):
            for block in BLOCKS:
                for seed in range(asked.seeds):
                    for _name, ratio, db in distances(block, seed, backend, Path(folder)):
                        worst[f"{backend} {block}"] = max(worst[f"{backend} {block}"], ratio)
                        lost[f"{backend} {block}"] = max(lost[f"{backend} {block}"], db)
                key = f"{backend} {block}"
                sys.stdout.write(
                    f"{key}: error {worst[key]:.2f} x own, SNR lost {lost[key]:.1f} dB\n"
                )
                sys.stdout.flush()
    needed = max(max(worst.values()), 10 ** (max(lost.values()) / 20))
    factor = 2 ** math.ceil(math.log2(needed))
    sys.stdout.write(f"largest {needed:.2f}, so FACTOR {factor}; limits.py has {FACTOR:g}\n")
    return 0 if factor <= FACTOR else 1


if __name__ == "__main__":
    sys.exit(main())
