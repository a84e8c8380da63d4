"""Names for modules that are imported only when somebody builds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, TypeVar

from attnbench_models.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One line of a table: where the class is, what it does, and what it is called with by this name.

    `target` is "package.module:Class"; `arguments` are keywords that make the name, such as a
    variant.
    """

    target: str
    summary: str
    arguments: Mapping[str, object] = field(default_factory=dict, kw_only=True)

    def load(self) -> Callable[..., Any]:
        """The class itself, or with its arguments filled in; imports torch."""
        found = self.of_class()
        return partial(found, **self.arguments) if self.arguments else found

    def of_class(self) -> type:
        """The class alone; imports torch."""
        module, _, name = self.target.partition(":")
        found: type = getattr(import_module(module), name)
        return found


@dataclass(frozen=True, slots=True)
class BlockEntry(Entry):
    """
    A block and its kind.

    A "gate" and a "residual" map (N, C, H, W) to itself, the second by adding to it; a "fusion"
    joins two such tensors into one. `sized` is whether it takes the keyword `size`, the (height,
    width) of the map that it works on: `create_model` finds that out for it.
    """

    kind: str = field(default="gate", kw_only=True)
    sized: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class BackboneEntry(Entry):
    """
    A backbone, the kinds of blocks that it has places for, and what it is by default.

    `native` is the block that the published model has; `size` (height, width) and `classes` are
    those that it is published for. `task` is "classification" (logits), "segmentation" (logits or
    labels per pixel) or "detection" (boxes and scores). `scales` is whether it takes a width.
    `unverified` says why its structure is held against no published count, if it is not.
    """

    takes: tuple[str, ...] = field(kw_only=True)
    native: str = field(default="none", kw_only=True)
    size: tuple[int, int] = field(default=(224, 224), kw_only=True)
    classes: int = field(default=1000, kw_only=True)
    task: str = field(default="classification", kw_only=True)
    scales: bool = field(default=False, kw_only=True)
    unverified: str = field(default="", kw_only=True)


Row = TypeVar("Row", bound=Entry)


def find(table: Mapping[str, Row], name: str, *, what: str) -> Row:
    """The entry of that name; `what` ("block", "backbone") is for the message when none has it."""
    if name not in table:
        raise UnknownNameError(f"there is no {what} called {name!r}", name=name, known=table)
    return table[name]
