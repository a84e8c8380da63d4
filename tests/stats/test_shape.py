"""Trends, modes and outliers: seen where there are some, and hardly ever elsewhere."""

import numpy as np
import pytest

from attnbench.stats.intervals import ninetieth, over_launches
from attnbench.stats.shape import drift, modes, outliers
from tests.stats.simulated import MACHINES

TRACES = 100
RELEVANT = 0.02


def traces(within, between=0.003, launches=10, iterations=50):
    """`within` gives the deviations of a launch's logarithms from a generator."""
    rng = np.random.default_rng(41)
    for _ in range(TRACES):
        yield [
            np.round(1e7 * np.exp(rng.normal(0, between) + within(rng, iterations)))
            for _ in range(launches)
        ]


def normal(rng, count):
    return rng.normal(0, 0.005, count)


def heavy(rng, count):
    return 0.02 * rng.standard_t(3, count)


def skewed(rng, count):
    return 0.03 * rng.exponential(size=count)


def two(rng, count):
    return normal(rng, count) + 0.05 * (rng.random(count) < 0.3)


def are_two(runs):
    found = modes(runs)
    return found is not None and found.slow_ns / found.fast_ns > 1 + RELEVANT


@pytest.mark.parametrize("within", [normal, heavy, skewed])
def test_one_mode_is_not_taken_for_two(within):
    assert np.mean([are_two(runs) for runs in traces(within)]) <= 0.01


def test_launches_that_differ_are_not_modes():
    assert np.mean([are_two(runs) for runs in traces(normal, 0.02)]) <= 0.05


def test_two_modes_are_seen_and_named():
    found = [modes(runs) for runs in traces(two)]
    assert None not in found
    assert np.median([one.slow_ns / one.fast_ns for one in found]) == pytest.approx(1.05, abs=0.01)
    assert np.median([one.slow_share for one in found]) == pytest.approx(0.3, abs=0.03)


def test_modes_of_too_few_launches_or_of_a_single_time():
    assert modes([[1, 2]] * 5) is None
    assert modes([[7] * 50] * 10) is None


@pytest.mark.parametrize(("change", "share"), [(0.0, 0.03), (0.05, 1.0)])
def test_a_trend_is_seen_and_chance_is_not(change, share):
    rates = []
    for runs in traces(normal):
        slope = np.linspace(1, 1 + change, len(runs))
        found = drift([run * factor for run, factor in zip(runs, slope, strict=True)])
        rates.append(found is not None)
        if change and found is not None:
            assert found == pytest.approx(change, abs=0.02)
    assert abs(np.mean(rates) - (change > 0)) <= 0.03
    assert share in (0.03, 1.0)


def test_a_trend_needs_six_launches():
    assert drift([[n] for n in range(1, 6)]) is None
    assert drift([[n] for n in range(1, 7)]) == pytest.approx(5, rel=0.5)


def test_outliers_are_counted():
    runs = [[100] * 45 + [101] * 2 + [150] * 3] * 4
    assert outliers(runs) == pytest.approx(3 / 50)
    assert outliers([[100] * 40 + [104] * 10]) == 0  # of no matter, however steady the rest


def test_heavy_tails_alone_do_not_make_many():
    assert np.median([outliers(runs) for runs in traces(heavy)]) < 0.05 / 2


@pytest.mark.parametrize("name", ["quiet", "heavy tails"])
def test_the_interval_of_a_percentile_covers_it_though_inferences_depend_on_each_other(name):
    """Launches of their own level, each with an AR(1) process inside; the truth is simulated."""
    rng, machine = np.random.default_rng(43), MACHINES[name]

    def launch():
        inside = MACHINES["autocorrelated"].times(50, rng)
        return np.round(1e7 * inside * machine.times(1, rng)[0])

    truth = np.median([ninetieth(launch()) for _ in range(3000)])
    ends = [over_launches([launch() for _ in range(10)], ninetieth) for _ in range(TRACES)]
    assert np.mean([one.low <= truth <= one.high for one in ends]) >= 0.92
