"""What a backend is: it exports a module, and keeps track of where each operator comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from attnbench.backends.formats import Format
from attnbench.records import Delegation, Scope, is_inside

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule


ANSI = re.compile(r"\x1b\[[0-9;]*m")
LONGEST = 300
ASIDES = (" While executing", " Original traceback", " There are a few things", " stack trace:")
"""Where converters stop saying what is wrong, and quote the graph or give advice."""


def words(error: BaseException) -> str:
    """A converter's own words on one line, as far as they say what is wrong."""
    text = " ".join(ANSI.sub("", str(error)).split())
    for aside in ASIDES:
        text = text.partition(aside)[0]
    return text[:LONGEST] or type(error).__name__


@dataclass(frozen=True, slots=True)
class Exported:
    """What a converter made besides the file: its operators' scopes, and what it delegated."""

    scopes: tuple[Scope, ...]
    delegation: Delegation


@dataclass(frozen=True, slots=True)
class Quantisation:
    """
    A number format other than float32, and how it is reached.

    `precision` is fp16 or int8, whose ranges come from `samples`, each like the example. `ranges`
    has the least and largest of each of the graph's values on them, for converters that look at
    none themselves. Operators of the modules in `keep_float` stay float32.
    """

    precision: str
    samples: tuple[tuple[Tensor, ...], ...]
    ranges: Mapping[str, tuple[float, float]]
    keep_float: tuple[str, ...] = ()

    def keeps(self, path: str | None) -> bool:
        """Whether an operator that this module calls stays float32."""
        return any(is_inside(path, one) for one in self.keep_float)


class Backend(Protocol):
    """Stateless. An implementation is finished when tests/conformance/backend.py passes for it."""

    format: Format

    def export(self, program: GraphModule, example: Sequence[Tensor], path: Path) -> Exported:
        """
        Write `program` (ATen graph, eval mode, float32) to `path` for inputs shaped like `example`.

        Raises ExportError with the converter's own words, shortened, when it refuses.
        """


class Quantising(Backend, Protocol):
    """A backend whose format has more precisions than fp32."""

    def quantise(
        self, program: GraphModule, example: Sequence[Tensor], path: Path, wanted: Quantisation
    ) -> Exported:
        """
        As `export`, in a precision of the format's; inputs and outputs stay float32.

        Raises ExportError also when it cannot keep what is to stay float32.
        """
