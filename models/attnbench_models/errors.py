"""What can be wrong with a model that somebody asked for."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ModelError(ValueError):
    """What was asked for cannot be built; the message says why in a line, `hint` what to do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UnknownNameError(ModelError):
    """No block, backbone or attribute has that name; the hint offers the nearest that exists."""

    def __init__(self, message: str, *, name: str, known: Iterable[str]) -> None:
        super().__init__(message, hint=nearest(name, known))


def nearest(name: str, known: Iterable[str]) -> str:
    """The question to ask back: `did you mean coord?`, or all that there is to choose from."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"there is {', '.join(names)}" if names else "there is nothing to choose from"
