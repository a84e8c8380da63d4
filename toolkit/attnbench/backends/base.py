"""What a backend is: it exports a module, and knows how its runtime names operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from attnbench.backends.formats import Format
from attnbench.records import Artifact, Delegation, Scope, Trace

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule

    from attnbench.attribution import Located


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

    def locate(self, trace: Trace, artifact: Artifact) -> Located:
        """
        Which module each operator event of an inference belongs to.

        Raises AttributionError where that cannot be proved.
        """

    def delegation(self, trace: Trace, artifact: Artifact) -> Delegation:
        """What the runtime delegated: some converters know, others only a first run tells."""
