"""How other people's code names the weights that a module of ours has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import nn

Renames = Mapping[str, str]  # our prefix -> theirs, on dot boundaries


@dataclass(frozen=True, slots=True)
class Layout:
    """
    How somebody's code names what is in a module of ours; what it does not rename is alike.

    `unused` are prefixes of theirs that only training has a use for, such as a second classifier.
    """

    name: str
    renames: Renames = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    def theirs(self, key: str) -> str:
        """The name that they have for a key of ours."""
        fitting = [p for p in self.renames if key == p or key.startswith(f"{p}.")]
        if not fitting:
            return key
        prefix = max(fitting, key=len)
        return self.renames[prefix] + key[len(prefix) :]

    def leaves_out(self, key: str) -> bool:
        """Whether a key of theirs is for training alone."""
        return any(key.startswith(f"{prefix}.") for prefix in self.unused)


OWN = Layout("attnbench")


def layouts_of(module: nn.Module | None) -> tuple[Layout, ...]:
    """
    The layouts that a module knows for itself: its `LAYOUTS`, or what its `layouts()` returns.

    Ours alone if it knows none, or is None.
    """
    made = getattr(module, "layouts", None)
    found: tuple[Layout, ...] = made() if made is not None else getattr(module, "LAYOUTS", ())
    return tuple(found) or (OWN,)


def inside(ours: str, theirs: str, inner: Layout) -> dict[str, str]:
    """The renames of a child: it is `ours` here and `theirs` there, and `inner` names its parts."""
    parts = {f"{ours}.{key}": f"{theirs}.{value}" for key, value in inner.renames.items()}
    return {ours: theirs} | parts
