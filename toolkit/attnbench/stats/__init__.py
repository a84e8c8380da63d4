"""Statistics of latency samples. Pure functions: numbers in, numbers out, no clock."""

from attnbench.stats.intervals import (
    FEWEST,
    least_of,
    median_interval,
    middle_half,
    ninetieth,
    over_launches,
    share_interval,
)

__all__ = [
    "FEWEST",
    "least_of",
    "median_interval",
    "middle_half",
    "ninetieth",
    "over_launches",
    "share_interval",
]
