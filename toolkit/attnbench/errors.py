"""
What can go wrong, as a tree; the number is the exit code of the command line.

    AttnbenchError
    ├── UserError              2   what the user handed in
    │   ├── UnknownName            a block, backbone, backend or device that nobody registered
    │   ├── BadOption              an option that does not fit the others
    │   ├── BadArtifact            missing, damaged, changed or foreign
    │   ├── BadModel               a model, block, option or checkpoint that cannot be used
    │   └── BadInput               an image or tensor that the model cannot take
    ├── MissingTool            3   a program or optional Python package is not installed
    ├── ExportError            4   a converter refused the model
    ├── DeviceError            5   a device did not do what it was asked
    └── RunnerError            6   the runner or its trace broke the contract
        ├── AttributionError       a trace that cannot be mapped to blocks beyond doubt
        └── UnknownOperator        a Core ML program with what attnbench does not compute

Exit codes 1 (a gate failed) and 7 (inconclusive) are verdicts: values, not exceptions.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import ClassVar


class AttnbenchError(Exception):
    """Base of all that attnbench raises on purpose: what happened, and what to do about it."""

    exit_code: ClassVar[int]

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UserError(AttnbenchError):
    """Something that was handed in does not fit."""

    exit_code = 2


class UnknownName(UserError):
    """A name that is in no registry; the hint is the nearest one, or all of them."""

    def __init__(self, kind: str, name: str, known: Collection[str]) -> None:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"
        super().__init__(f"unknown {kind} {name!r}", hint=hint)


class BadOption(UserError):
    """An option, or two that do not go together."""


class BadArtifact(UserError):
    """A model file that is missing, damaged, changed since its export, or another engine's."""


class BadModel(UserError):
    """A model, a block, its options or a checkpoint that cannot be found, built or loaded."""


class BadInput(UserError):
    """An image or tensor that the model cannot take."""


class MissingTool(AttnbenchError):
    """A program or package that attnbench calls but does not bring along."""

    exit_code = 3


class ExportError(AttnbenchError):
    """A converter refused the model."""

    exit_code = 4


class DeviceError(AttnbenchError):
    """A device did not do what it was asked."""

    exit_code = 5


class RunnerError(AttnbenchError):
    """The runner, or the trace that it wrote, broke its contract."""

    exit_code = 6


class AttributionError(RunnerError):
    """A trace that cannot be mapped to blocks beyond doubt."""


class UnknownOperator(RunnerError):
    """A Core ML program with an operator, or a kind of value, that attnbench does not compute."""
