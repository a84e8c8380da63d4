"""What hardware counters said in several launches, as one."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from attnbench.records import Counters, Launch


def counters_of(launches: Sequence[Launch]) -> Counters | None:
    """
    The median over the launches that have a count; unknown is what none of them has.

    None where no launch read counters: the runner does not where instructions are the clock.
    """
    read = [one.counters for one in launches if one.counters is not None]
    if not read:
        return None
    names = dict.fromkeys(name for one in read for name in one.counts)
    counts = {
        name: median(one.counts[name] for one in read if name in one.counts) for name in names
    }
    reasons = {name: why for one in read for name, why in one.unknown.items()}
    return Counters(counts, {name: why for name, why in reasons.items() if name not in counts})
