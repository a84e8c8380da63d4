"""Where the warm-up of a launch ended: what came before it is no part of the measurement."""

from __future__ import annotations

from dataclasses import replace

from attnbench.records import Launch
from attnbench.stats.steady import steady


def settled(launch: Launch) -> Launch:
    """
    The launch with its warm-up as long as its own times say, never shorter than was asked for.

    At most half of all times become warm-up. One that has not settled by then is left as it was,
    and says so; one with too few times is not judged.
    """
    times_ns = (*launch.warmup_ns, *launch.plain_ns)
    found = steady(times_ns)
    if found is None:
        return launch
    if not found.settled:
        return replace(launch, settled=False)
    start = max(found.start, len(launch.warmup_ns))
    return replace(launch, warmup_ns=times_ns[:start], plain_ns=times_ns[start:], settled=True)
