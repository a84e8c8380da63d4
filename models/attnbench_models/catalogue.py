"""Names for modules that are imported only when somebody builds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from attnbench_models.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a table: where the class is, what it does, and for a backbone what fits in."""

    target: str
    summary: str
    blocks: tuple[str, ...] = ()

    def load(self) -> type:
        """The class itself; imports torch."""
        module, _, name = self.target.partition(":")
        found: type = getattr(import_module(module), name)
        return found


def find(table: Mapping[str, Entry], name: str, *, what: str) -> Entry:
    """The entry of that name; `what` ("block", "backbone") is for the message when none has it."""
    if name not in table:
        raise UnknownNameError(f"there is no {what} called {name!r}", name=name, known=table)
    return table[name]
