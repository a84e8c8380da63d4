"""What a backend is: it exports a module, and keeps track of where each operator comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from attnbench.backends.formats import Format
from attnbench.records import Delegation, Scope

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule


@dataclass(frozen=True, slots=True)
class Exported:
    """What a converter made besides the file: its operators' scopes, and what it delegated."""

    scopes: tuple[Scope, ...]
    delegation: Delegation


class Backend(Protocol):
    """Stateless. An implementation is finished when tests/conformance/backend.py passes for it."""

    format: Format

    def export(self, program: GraphModule, example: Sequence[Tensor], path: Path) -> Exported:
        """
        Write `program` (ATen graph, eval mode, float32) to `path` for inputs shaped like `example`.

        Raises ExportError with the converter's own words, shortened, when it refuses.
        """
