"""Names to things, without importing them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, TypeVar, cast

from attnbench.errors import MissingTool, UnknownName

T = TypeVar("T")


@dataclass(frozen=True)
class Registry(Generic[T]):
    """
    A table of names in order; third parties join through the entry-point group `attnbench.<kind>`.

    Nothing is imported until `get`, so `attnbench --help` needs neither torch nor a runtime.
    """

    kind: str
    builtin: Mapping[str, str]  # name -> "package.module:attribute"

    def names(self) -> list[str]:
        """All names, built-in ones first."""
        return list(self._targets())

    def get(self, name: str) -> T:
        """The thing called `name`. Raises UnknownName, or MissingTool if its package is absent."""
        targets = self._targets()
        if name not in targets:
            raise UnknownName(self.kind, name, targets)
        module, _, attribute = targets[name].partition(":")
        try:
            return cast("T", getattr(import_module(module), attribute))
        except ModuleNotFoundError as error:
            hint = f"pip install 'attnbench[{name}]'"
            raise MissingTool(f"{self.kind} {name!r} needs {error.name!r}", hint=hint) from error

    def _targets(self) -> dict[str, str]:
        """Names and where they live; a built-in name cannot be taken over."""
        found = {point.name: point.value for point in entry_points(group=f"attnbench.{self.kind}")}
        return dict(self.builtin) | {
            name: at for name, at in found.items() if name not in self.builtin
        }
