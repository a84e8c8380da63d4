"""What an artifact computes: in its runtime, or where there is none, from its saved program."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from attnbench import mlprogram
from attnbench.backends import Format, format_of
from attnbench.devices import DEVICES, Device
from attnbench.parity.metrics import Array
from attnbench.records import Artifact, Evidence, TensorSpec
from attnbench.runner import Job, compute, info

Specs = tuple[TensorSpec, ...]

HOST = "host"

NOTES = {
    True: "program verified, runtime not run: the saved program computes what PyTorch computes; "
    "what Core ML makes of it shows on a Mac",
    False: "runtime not run: the saved program itself computes something else",
}
"""What a verdict on a program says beyond its cases, by whether they all pass."""


def judgeable(artifact: Artifact, device: Device) -> bool:
    """Whether its outputs can be had: a program's alone on the machine that attnbench runs on."""
    kind = format_of(artifact.backend)
    return kind.engine is not None or (kind.program and device is DEVICES.get(HOST))


def evidence(artifact: Artifact) -> Evidence:
    """What `outputs_of` an artifact are of."""
    runs = format_of(artifact.backend).engine is not None or sys.platform == "darwin"
    return "runtime" if runs else "program"


def check(artifact: Artifact) -> None:
    """Raise UnknownOperator for a program with an operator that is not computed here."""
    if evidence(artifact) == "program":
        mlprogram.check(mlprogram.load(Path(artifact.path)))


def specs_of(path: Path, kind: Format, sha256: str) -> tuple[Specs, Specs]:
    """What a file takes and gives, as its runtime or its program says. Raises BadArtifact."""
    if kind.engine is not None:
        told = info(Job(kind.engine, path, sha256))
        return told.inputs, told.outputs
    program = mlprogram.load(path)
    return mlprogram.specs(program.inputs), mlprogram.specs(program.outputs)


def outputs_of(
    artifact: Artifact, inputs: Sequence[Sequence[Array]], device: Device
) -> list[list[Array]]:
    """The outputs for each set of inputs, all computed in one launch on the device."""
    kind = format_of(artifact.backend)
    return outputs_of_file(kind, Path(artifact.path), inputs, device, artifact.sha256)


def outputs_of_file(
    kind: Format,
    path: Path,
    inputs: Sequence[Sequence[Array]],
    device: Device,
    sha256: str = "",
) -> list[list[Array]]:
    """The same of a file that nothing else is known of."""
    if kind.engine is not None:
        return compute(Job(kind.engine, path, sha256, place=device.place), inputs)
    program = mlprogram.load(path)
    if sys.platform == "darwin":
        from attnbench.mlprogram.predict import predict

        return predict(program, inputs)
    return [mlprogram.evaluate(program, arrays) for arrays in inputs]
