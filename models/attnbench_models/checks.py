"""Checks that the blocks share, so that a wrong option is one readable line."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench_models.errors import ModelError


def at_least_one(name: str, value: object) -> int:
    """`value` if it is a whole number from 1 on; ModelError otherwise."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ModelError(f"{name} must be a whole number from 1 on, not {value!r}")
    return value


def one_of(name: str, value: object, choices: Sequence[str]) -> str:
    """`value` if it is one of the choices; ModelError otherwise."""
    if not isinstance(value, str) or value not in choices:
        raise ModelError(f"{name} must be {' or '.join(choices)}, not {value!r}")
    return value
