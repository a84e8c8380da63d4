"""Core ML programs on any system: read from the saved package, and computed op by op in torch."""

from __future__ import annotations

from attnbench.mlprogram.evaluate import check, evaluate
from attnbench.mlprogram.operators import OPERATORS
from attnbench.mlprogram.program import Operation, Program, Variable, load, specs

__all__ = ["OPERATORS", "Operation", "Program", "Variable", "check", "evaluate", "load", "specs"]
