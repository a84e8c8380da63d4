"""
A program computed in torch, one operator after the other.

Each operator is computed in float64, and its result rounded to the type that the program gives it:
float32, or float16. So what is found is the program's, and not how a library adds its sums; in
which precision Core ML computes inside an operator is not known.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnbench.errors import BadInput, RunnerError, UnknownOperator
from attnbench.mlprogram.operators import OPERATORS
from attnbench.mlprogram.program import Operation, Program, Variable
from attnbench.mlprogram.values import Value

Array = NDArray[Any]

REFUSALS = (RuntimeError, IndexError, TypeError, ValueError, AttributeError)
"""What torch raises for arguments that an operator cannot take."""


def check(program: Program) -> None:
    """Raise UnknownOperator for the first operator, or parameter, that is not computed here."""
    for operation in program.operations:
        known = OPERATORS.get(operation.kind)
        if known is None:
            raise _unknown(program, operation, "is not computed here")
        extra = set(operation.inputs) - set(inspect.signature(known).parameters)
        if extra:
            raise _unknown(program, operation, f"has {', '.join(sorted(extra))}, unknown here")


def evaluate(program: Program, arrays: Sequence[Array]) -> list[Array]:
    """
    The outputs of a program that `check` has passed, in its order.

    Raises BadInput for arrays that are not the program's inputs, and RunnerError for an operator
    whose arguments are none, or whose result is not what the program says.
    """
    values: dict[str, Value] = dict(program.constants)
    with torch.inference_mode():
        for variable, tensor in zip(program.inputs, _inputs(program, arrays), strict=True):
            values[variable.name] = tensor
        for operation in program.operations:
            values |= _computed(program, operation, values)
    return [_array(values[one.name]) for one in program.outputs]


def _array(value: Value) -> Array:
    assert isinstance(value, Tensor)  # functions return tensors alone
    return np.asarray(value.numpy())


def _inputs(program: Program, arrays: Sequence[Array]) -> list[Tensor]:
    tensors = [torch.from_numpy(array) for array in arrays]
    if len(tensors) != len(program.inputs) or not all(map(_fits, program.inputs, tensors)):
        wanted = ", ".join(map(_text, program.inputs))
        given = ", ".join(f"{array.dtype}{list(array.shape)}" for array in arrays)
        raise BadInput(f"the model takes {wanted}, not {given}")
    return tensors


def _fits(variable: Variable, tensor: Tensor) -> bool:
    """Whether a tensor is of a variable's type and shape, as far as the program fixes that."""
    return (
        variable.dtype == tensor.dtype
        and len(variable.shape) == tensor.dim()
        and all(
            side in (None, found) for side, found in zip(variable.shape, tensor.shape, strict=True)
        )
    )


def _text(variable: Variable) -> str:
    sides = ", ".join("?" if side is None else str(side) for side in variable.shape)
    return f"{str(variable.dtype).removeprefix('torch.')}[{sides}]"


def _computed(
    program: Program, operation: Operation, values: Mapping[str, Value]
) -> dict[str, Value]:
    function = OPERATORS[operation.kind]
    parameters = inspect.signature(function).parameters
    try:
        made = function(
            **{
                name: _argument([values[one] for one in names], parameters[name].annotation)
                for name, names in operation.inputs.items()
            }
        )
    except REFUSALS as error:
        words = " ".join(str(error).split())[:200]
        raise RunnerError(f"{_place(program, operation)}: {words}") from error
    tensors = made if isinstance(made, tuple) else (made,)
    return {
        variable.name: _rounded(tensor, variable, _place(program, operation))
        for variable, tensor in zip(operation.outputs, tensors, strict=True)
    }


AS: Mapping[str, Callable[[Any], object]] = {
    "Tensor": lambda value: value.double() if value.is_floating_point() else value,
    "Ints": lambda value: tuple(value.reshape(-1).tolist()),
    "Bools": lambda value: tuple(value.reshape(-1).tolist()),
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
}
"""How a value is handed to a parameter that is annotated so."""


def _argument(given: Sequence[Value], annotation: str) -> object:
    if annotation == "Tensors":
        return tuple(AS["Tensor"](one) for one in given)
    (value,) = given
    return AS[annotation.removesuffix(" | None")](value)


def _rounded(made: Tensor, variable: Variable, place: str) -> Tensor:
    """A result in its declared type; the kind of number and the shape must be so already."""
    same_kind = made.dtype.is_floating_point == variable.dtype.is_floating_point and (
        (made.dtype == torch.bool) == (variable.dtype == torch.bool)
    )
    cast = made.to(variable.dtype)
    if not same_kind or not _fits(variable, cast):
        found = f"{str(made.dtype).removeprefix('torch.')}{list(made.shape)}"
        raise RunnerError(f"{place} makes {found}, but the program says {_text(variable)}")
    return cast


def _place(program: Program, operation: Operation) -> str:
    return f"{program.path.name}: operator {operation.kind} ({operation.outputs[0].name})"


def _unknown(program: Program, operation: Operation, what: str) -> UnknownOperator:
    return UnknownOperator(
        f"{_place(program, operation)} {what}",
        hint="its parity can be judged on macOS, where Core ML itself runs",
    )
