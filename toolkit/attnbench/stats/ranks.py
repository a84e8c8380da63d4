"""Whether two quantities rank alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import permutation_test, rankdata, spearmanr

FEWEST = 3
"""Two points always rank alike, or opposite."""

PERMUTATIONS = 9999
"""All of them are taken for up to seven points, so many at random for more."""


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> tuple[float, float] | None:
    """
    Spearman's rho, and the two-sided p-value of the permutation test against no correlation.

    None for fewer than 3 points, or where one quantity is the same in all. Source: Spearman 1904,
    "The proof and measurement of association between two things".
    """
    if len(a) < FEWEST or min(len(set(a)), len(set(b))) == 1:
        return None
    theirs = rankdata(b)

    def alike(mine: NDArray[Any], axis: int) -> NDArray[Any]:
        products: NDArray[Any] = (mine * theirs).sum(axis=axis)
        return products

    found = permutation_test(
        (rankdata(a),),
        alike,
        permutation_type="pairings",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(0),
    )
    return float(spearmanr(a, b).statistic), float(found.pvalue)


def ranks(values: Sequence[float]) -> list[float]:
    """The place of each value, the smallest first, from 1 on; ties share the mean of theirs."""
    return [float(rank) for rank in rankdata(values)]
