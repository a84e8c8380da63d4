"""Core ML itself, on macOS. No test has run it: there was no Mac."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import coremltools
from numpy.typing import NDArray

from attnbench.mlprogram.program import Program

Array = NDArray[Any]


def predict(program: Program, inputs: Sequence[Sequence[Array]]) -> list[list[Array]]:
    """The outputs for each set of inputs, on the processor, in the program's order."""
    units = coremltools.ComputeUnit.CPU_ONLY
    model = coremltools.models.MLModel(str(program.path), compute_units=units)
    names = [variable.name for variable in program.inputs]
    made = [model.predict(dict(zip(names, arrays, strict=True))) for arrays in inputs]
    return [[outputs[variable.name] for variable in program.outputs] for outputs in made]
