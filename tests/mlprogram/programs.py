"""Programs of a few operators, built with coremltools, saved, and computed from the file."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

with warnings.catch_warnings(action="ignore"):  # its warnings are its own
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb  # noqa: N813  (its documentation's name)
    from coremltools.converters.mil.mil import types

from attnbench.mlprogram import OPERATORS, check, evaluate, load

Build = Callable[..., Any]


def save(
    folder: Path, build: Build, inputs: Sequence[np.ndarray], target: Any = ct.target.iOS16
) -> Path:
    """A package of the operators that `build` makes of variables like `inputs`, as they are."""
    kinds = {"float32": types.fp32, "int32": types.int32, "float16": types.fp16}
    specs = [mb.TensorSpec(shape=one.shape, dtype=kinds[str(one.dtype)]) for one in inputs]
    path = folder / "program.mlpackage"
    with warnings.catch_warnings(action="ignore"):
        made = ct.convert(
            mb.program(input_specs=specs, opset_version=target)(build),
            convert_to="mlprogram",
            compute_precision=ct.precision.FLOAT32,
            minimum_deployment_target=target,
            pass_pipeline=ct.PassPipeline.EMPTY,
            skip_model_load=True,
        )
        made.save(str(path))
        gc.collect()  # coremltools leaves a temporary folder to the garbage collector
    return path


def computed(folder: Path, build: Build, *inputs: np.ndarray) -> list[np.ndarray]:
    """What a program of `build`'s operators gives for `inputs`."""
    program = load(save(folder, build, inputs))
    check(program)
    return evaluate(program, inputs)


def one(folder: Path, build: Build, *inputs: np.ndarray) -> np.ndarray:
    """As `computed`, of a program with one output."""
    (made,) = computed(folder, build, *inputs)
    return made


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@dataclass(frozen=True)
class Case:
    """An operator as coremltools builds it, and as NumPy or torch computes it in float64."""

    build: Build
    expected: Callable[..., Any]


@dataclass(frozen=True)
class Made:
    """What one program of many cases gave, by their names, and which operators it had."""

    inputs: tuple[np.ndarray, ...]
    outputs: dict[str, np.ndarray]
    kinds: set[str]

    def check(self, name: str, case: Case) -> None:
        wide = [one.astype(np.float64) if one.dtype == np.float32 else one for one in self.inputs]
        expected, found = np.asarray(case.expected(*wide)), self.outputs[name]
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=2e-7, atol=1e-7, err_msg=name)


def made_of(
    folder: Path, cases: dict[str, Case], *inputs: np.ndarray, target: Any = ct.target.iOS16
) -> Made:
    """All cases as the outputs of one program."""

    def one_input(x):
        return tuple(case.build(x) for case in cases.values())

    def two_inputs(x, y):
        return tuple(case.build(x, y) for case in cases.values())

    program = load(save(folder, (one_input, two_inputs)[len(inputs) - 1], inputs, target))
    check(program)
    outputs = dict(zip(cases, evaluate(program, inputs), strict=True))
    return Made(inputs, outputs, {operation.kind for operation in program.operations})


def operators_of(family: ModuleType) -> set[str]:
    """The operators that a file of `attnbench.mlprogram.operators` has."""
    return {name for name, made in OPERATORS.items() if made.__module__ == family.__name__}
