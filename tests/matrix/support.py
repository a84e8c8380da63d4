"""docs/support.md from the matrix: `python -m tests.matrix.support` after `make test-all`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

from attnbench.backends import FORMATS
from attnbench.files import write
from attnbench_models.backbones import BACKBONES
from tests.matrix.cells import CELLS, Cell
from tests.matrix.results import Result, kept

PAGE = Path(__file__).parents[2] / "docs" / "support.md"

INTRODUCTION = """# What deploys

Written by `make support` from what `make test-all` found; not by hand. Every block in a backbone
where it is at home, and every backbone with its own block and with its paper's, was converted at
{sizes} pixels, run by each runtime, and held to PyTorch by the parity gate. "yes" is: converts,
runs and passes; Core ML has no runtime off macOS, so there it is: converts, and the saved program
passes, computed operator by operator. Behind it is the number of delegates, where a runtime has
them, and what runs outside of them. {earlier} is what an earlier state of the sources came to,
where the last one has not been run yet; what no run has reached is "not run".
"""

EARLIER = "†"
NOT_RUN = "not run"


def page(results: Mapping[Cell, Result | None], before: str = "") -> str:
    """The whole page for these results; what the page said before stands for one that is None."""
    sizes = sorted({cell.recipe.size for cell in results})
    text = ", ".join("x".join(map(str, size)) for size in sizes)
    return "\n".join(
        [
            INTRODUCTION.format(sizes=text, earlier=EARLIER),
            *_table(results, table_of(before)),
            "",
            *_refused(results),
            *_unverified(),
        ]
    )


def table_of(text: str) -> dict[Cell, str]:
    """What a page says of each cell."""
    found = {}
    for line in text.splitlines():
        backbone, *rest = line.strip("| ").split(" | ")
        if backbone in BACKBONES and len(rest) == 1 + len(FORMATS):
            block, *said = rest
            pairs = zip(FORMATS, said, strict=True)
            found |= {Cell(backbone, block, name): words for name, words in pairs}
    return found


def _table(results: Mapping[Cell, Result | None], before: Mapping[Cell, str]) -> Iterator[str]:
    yield f"| backbone | block | {' | '.join(FORMATS)} |"
    yield "|---" * (2 + len(FORMATS)) + "|"
    for (backbone, block), cells in groupby(results, key=lambda cell: (cell.backbone, cell.block)):
        said = {cell.backend: _said(results[cell], before.get(cell, NOT_RUN)) for cell in cells}
        yield f"| {backbone} | {block} | {' | '.join(said[name] for name in FORMATS)} |"


def _said(result: Result | None, before: str) -> str:
    if result is None:
        known = before.removesuffix(EARLIER).rstrip()
        return known if known == NOT_RUN else f"{known} {EARLIER}"
    if result.refused is not None:
        return "**refused**"
    if result.failed:
        return "**fails parity**"
    if not result.ran or not result.delegates:
        return "yes"
    outside = f", outside: {', '.join(result.outside)}" if result.outside else ""
    return f"yes ({result.delegates}{outside})"


def _refused(results: Mapping[Cell, Result | None]) -> Iterator[str]:
    yield "## Pairs that cannot work"
    yield ""
    broken = {cell: one for cell, one in results.items() if one and (one.refused or one.failed)}
    for cell, one in broken.items():
        yield f"- {cell.name}: {one.refused or '; '.join(one.failed)}"
    if not broken:
        yield "None of those that were run."
    yield ""


def _unverified() -> Iterator[str]:
    yield "## Structure unverified"
    yield ""
    reasons = {name: entry.unverified for name, entry in BACKBONES.items() if entry.unverified}
    for name, reason in reasons.items():
        yield f"- {name}: {reason}"
    if not reasons:
        yield "None: every backbone has the published number of parameters."
    yield ""


def main() -> int:
    results = {cell: kept(cell) for cell in CELLS}
    write(PAGE, page(results, PAGE.read_text()))
    missing = [cell.name for cell, result in results.items() if result is None]
    print(f"{PAGE}: {len(CELLS) - len(missing)} of {len(CELLS)} cells have a result of this source")
    if missing:
        print("hint: make test-all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
