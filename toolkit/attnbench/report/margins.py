"""How far each parity case is from its limit, on one scale for metrics of different kinds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from attnbench.records import Case, Verdict
from attnbench.report import units

AGREEMENTS = ("top1", "ranking")
"""Metrics that are all or nothing, and have no distance to their limit."""


@dataclass(frozen=True, slots=True)
class Margin:
    """
    A case with its error as a multiple of the error that its limit allows.

    `ratio` is a ratio of amplitudes for every metric: 0 is an exact match, 1 the limit, more is
    failure. None where there is no distance to tell: agreement in class or rank, or a value that
    is NaN.
    """

    case: Case
    ratio: float | None

    @property
    def text(self) -> str:
        """The distance in words: `8.4× below`, `3.2× over`, `exact`."""
        if self.ratio is None:
            return "" if self.case.passed else "fails"
        if self.ratio == 0:
            return "exact"
        if self.case.passed:
            return f"{units.times(1 / self.ratio)} below"
        return f"{units.times(self.ratio)} over"

    @property
    def value(self) -> str:
        """The case's value with its unit."""
        return _shown(self.case, self.case.value)

    @property
    def limit(self) -> str:
        """The case's limit, in the unit of its value."""
        return _shown(self.case, self.case.limit).removesuffix(self.case.unit).rstrip()


def margin(case: Case) -> Margin:
    """The distance of one case to its limit."""
    return Margin(case, _ratio(case))


def margins(verdict: Verdict) -> tuple[Margin, ...]:
    """All cases of a verdict, in its order."""
    return tuple(map(margin, verdict.cases))


def worst(verdict: Verdict) -> tuple[Margin, ...]:
    """For each metric the case nearest to its limit or furthest past it; failures come first."""
    found: dict[str, Margin] = {}
    for one in margins(verdict):
        held = found.get(one.case.metric)
        if held is None or _badness(one) > _badness(held):
            found[one.case.metric] = one
    return tuple(found.values())


def _badness(one: Margin) -> tuple[bool, float]:
    unknown = 0.0 if one.case.passed else math.inf
    return not one.case.passed, unknown if one.ratio is None else one.ratio


def _ratio(case: Case) -> float | None:
    value = case.value
    if value is None:
        # A record holds no infinities: without a value, what passed matched exactly (infinite SNR).
        return 0.0 if case.passed else None
    if case.metric in AGREEMENTS:
        return None
    if case.unit == "dB":
        return _power(10.0, (case.limit - value) / 20)
    if case.metric == "cosine":
        # 1 - cosine is half the power of the error over that of the signal; rounding may pass 1.
        return math.sqrt(max(0.0, 1 - value) / (1 - case.limit)) if case.limit < 1 else None
    if case.better == "lower":
        return value / case.limit if case.limit else None
    return case.limit / value if value > 0 else None


def _power(base: float, exponent: float) -> float:
    return math.inf if exponent > 300 else base**exponent


def _shown(case: Case, value: float | None) -> str:
    if value is None:
        return units.quantity(math.inf, case.unit) if case.passed else "not a number"
    if case.metric == "ranking":
        return units.percent(value)
    if case.metric == "top1":
        return "same class" if value >= 1 else "other class"
    if case.metric == "cosine":
        # Written as a distance from 1: all that is of interest is how many nines there are.
        return f"1−{1 - value:.1e}" if value < 1 else "1"
    return units.quantity(value, case.unit)
