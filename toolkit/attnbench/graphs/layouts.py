"""How a value of an artifact may lie: as in PyTorch, channels last, or without axes of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """One way: from a value of the artifact, shaped `ours`, to PyTorch's, shaped `theirs`."""

    name: str
    ours: Shape
    theirs: Shape

    def read(self, value: Array) -> Array:
        """A value of the artifact in PyTorch's layout."""
        if self.name == "channels last":
            value = np.moveaxis(value, -1, 1)
        return np.ascontiguousarray(value.reshape(self.theirs))

    def write(self, value: Array) -> Array:
        """A tensor of PyTorch in the artifact's layout."""
        if self.name == "channels last":
            value = np.moveaxis(value, 1, -1)
        return np.ascontiguousarray(value.reshape(self.ours))


def layouts(ours: Shape, theirs: Shape, *, channels_last: bool) -> Iterator[Layout]:
    """
    All ways in which a value shaped `ours` can be PyTorch's tensor shaped `theirs`.

    There may be two where channels, height and width are equal, and none.
    """
    if ours == theirs:
        yield Layout("same", ours, theirs)
    if channels_last and len(theirs) > 2 and ours == (theirs[0], *theirs[2:], theirs[1]):
        yield Layout("channels last", ours, theirs)
    elif ours != theirs and _plain(ours) == _plain(theirs) and len(_plain(ours)) < 3:
        yield Layout("reshaped", ours, theirs)


def _plain(shape: Shape) -> Shape:
    """Without axes of one, which order nothing."""
    return tuple(size for size in shape if size != 1)
