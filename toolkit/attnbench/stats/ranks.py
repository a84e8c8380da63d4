"""Whether two quantities rank alike."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import rankdata, spearmanr

FEWEST = 3
"""Two points always rank alike, or opposite."""


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> tuple[float, float] | None:
    """
    Spearman's rho, and the two-sided p-value against no correlation.

    None for fewer than 3 points, or where one quantity is the same in all. Source: Spearman 1904,
    "The proof and measurement of association between two things".
    """
    if len(a) < FEWEST or min(len(set(a)), len(set(b))) == 1:
        return None
    found = spearmanr(a, b)
    return float(found.statistic), float(found.pvalue)


def ranks(values: Sequence[float]) -> list[float]:
    """The place of each value, the smallest first, from 1 on; ties share the mean of theirs."""
    return [float(rank) for rank in rankdata(values)]
