"""`attnbench export --explain`: what was rewritten, what that bought, and what is not delegated."""

from __future__ import annotations

from collections.abc import Iterator

from attnbench.records import Applied, Artifact
from attnbench.report.gains import Gain, gains

NAMED = 3
"""So many modules are named, the others counted."""


def explanation(artifact: Artifact) -> Iterator[str]:
    """Lines of text."""
    recipe = artifact.recipe
    yield f"{artifact.backend}, {recipe.precision}, for {artifact.target}: {recipe.name}"
    for applied in artifact.rewrites:
        yield f"  {applied.name}: {_where(applied)}"
        found = gains(artifact, applied.name)
        yield from (f"    {_bought(one, applied.name)}" for one in found)
        if not found:
            yield "    what it buys here was not measured"
    if not artifact.rewrites:
        yield "  nothing was rewritten"
    outside = artifact.delegation.outside
    yield from (f"  outside the delegate: {one.operator} of {one.path}" for one in outside)
    if artifact.delegation.delegates and not outside:
        yield "  nothing runs outside the delegate"


def _where(applied: Applied) -> str:
    named = ", ".join(path or "the model" for path in applied.paths[:NAMED])
    more = len(applied.paths) - NAMED
    return f"{named} and {more} more" if more > 0 else named


def _bought(gain: Gain, name: str) -> str:
    others = ", ".join(one for one in gain.rewrites if one != name)
    together = f", together with {others}" if others else ""
    ratios = f"{gain.without:.3f} without it, {gain.with_them:.3f} with it"
    what = f"MobileNetV2 with {gain.block} as a ratio to none: {ratios}"
    return f"{what}, on {gain.on}{together}"
