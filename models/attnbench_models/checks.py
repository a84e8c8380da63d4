"""Checks that the blocks share, so that a wrong option is one readable line."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench_models.errors import ModelError


def at_least_one(name: str, value: object) -> int:
    """`value` if it is a whole number from 1 on; ModelError otherwise."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ModelError(f"{name} must be a whole number from 1 on, not {value!r}")
    return value


def odd(name: str, value: object) -> int:
    """`value` if it is an odd whole number from 1 on; ModelError otherwise."""
    number = at_least_one(name, value)
    if number % 2 == 0:
        raise ModelError(f"{name} must be odd, not {number}")
    return number


def power_of_two(name: str, value: object) -> int:
    """`value` if it is 2, 4, 8 and so on; ModelError otherwise."""
    number = at_least_one(name, value)
    if number == 1 or number & (number - 1):
        raise ModelError(f"{name} must be a power of two from 2 on, not {number}")
    return number


def height_and_width(name: str, value: object) -> tuple[int, int]:
    """`value` if it is a (height, width) in pixels; ModelError otherwise."""
    if not isinstance(value, tuple) or len(value) != 2:
        raise ModelError(f"{name} must be (height, width) in pixels, not {value!r}")
    return at_least_one(name, value[0]), at_least_one(name, value[1])


def one_of(name: str, value: object, choices: Sequence[str]) -> str:
    """`value` if it is one of the choices; ModelError otherwise."""
    if not isinstance(value, str) or value not in choices:
        raise ModelError(f"{name} must be {' or '.join(choices)}, not {value!r}")
    return value
