"""Many tests at once: which of them to believe."""

from __future__ import annotations

from collections.abc import Sequence

RATE = 0.05


def discoveries(p_values: Sequence[float], rate: float = RATE) -> tuple[bool, ...]:
    """
    Which of many tests reject, so that of those that do at most this share is expected to be false.

    The largest k for which the k-th smallest p is at most k / n of the rate; then the k smallest.
    It holds for independent tests and for many that depend on each other positively, as the blocks
    of one launch do. Holm's rule promises more, and would need eleven blocks of four launches to
    say anything at all of thirty blocks of a network.
    Source: Benjamini & Hochberg 1995; Benjamini & Yekutieli 2001 for dependence.
    """
    ordered = sorted(p_values)
    passing = [p for k, p in enumerate(ordered, 1) if p <= k / len(ordered) * rate]
    bar = max(passing, default=-1.0)
    return tuple(p <= bar for p in p_values)
