"""Where warm-up ends, and whether it does, on simulated processes whose truth is known."""

import numpy as np
import pytest

from attnbench.stats.steady import ALIKE, FEWEST, MOST, Steady, steady
from tests.stats.simulated import Machine

COUNT, TRACES = 60, 100
AT = np.arange(COUNT)

STEADY = {
    "quiet": Machine(),
    "noisy": Machine(tail=0.015),
    "autocorrelated": Machine(wander=0.007, memory=0.7),
    "longer memory": Machine(wander=0.007, memory=0.9),
}
RESTLESS = {
    "drifting": np.linspace(0, 0.25, COUNT),
    "throttled": 0.3 * (AT >= 40),
    "throttled a little": 0.05 * (AT >= 35),
    "warming up all along": 0.3 * np.exp(-AT / 30),
}


def found(machine, shape=0.0, count=COUNT, traces=TRACES):
    rng = np.random.default_rng(21)
    times = (1e7 * machine.times(count, rng) * np.exp(shape) for _ in range(traces))
    return [steady([round(ns) for ns in one]) for one in times]


@pytest.mark.parametrize("name", STEADY)
def test_a_steady_process_has_settled_and_keeps_its_times(name):
    seen = found(STEADY[name])
    assert np.mean([one.settled for one in seen]) >= 0.95
    assert np.mean([one.start > 10 for one in seen]) <= 0.05


@pytest.mark.parametrize("name", RESTLESS)
def test_a_process_that_changes_for_good_has_not(name):
    assert np.mean([one.settled for one in found(Machine(), RESTLESS[name])]) <= 0.01


@pytest.mark.parametrize(("warm", "level"), [(8, 0.5), (20, 0.05), (20, -0.05)])
def test_warm_up_ends_at_its_step(warm, level):
    """Within one inference; a process may also be faster before it warms up, in a boost."""
    seen = found(Machine(tail=0.003), level * (warm > AT))
    assert all(one.settled for one in seen)
    assert np.mean([abs(one.start - warm) <= 1 for one in seen]) >= 0.95


@pytest.mark.parametrize("pace", [3, 8])
def test_a_warm_up_that_fades_ends_where_what_is_left_is_small(pace):
    seen = found(Machine(tail=0.003), 0.3 * np.exp(-AT / pace))
    assert np.mean([one.settled for one in seen]) >= 0.95
    left = [0.3 * np.exp(-one.start / pace) for one in seen]
    assert np.median(left) <= 2 * ALIKE


def test_a_burst_of_other_work_is_no_warm_up():
    burst = 0.3 * ((AT >= 15) & (AT < 22))
    seen = found(Machine(tail=0.003), burst)
    assert {one.start for one in seen} == {0}
    assert np.mean([one.settled for one in seen]) >= 0.99


def test_single_outliers_are_no_levels():
    rng = np.random.default_rng(5)
    times = 1e7 * Machine(tail=0.003).times(COUNT, rng)
    times[[10, 30, 59]] *= 3
    assert steady([round(ns) for ns in times]) == Steady(0, settled=True)


def test_a_long_series_is_judged_in_batches():
    count = 10 * MOST
    seen = found(Machine(), 0.2 * (np.arange(count) < 500), count, 5)
    assert all(one.settled and abs(one.start - 500) <= 20 for one in seen)


def test_a_clock_that_always_says_the_same():
    assert steady([1000] * 30) == Steady(0, settled=True)


def test_too_few_times_say_nothing():
    assert steady([1000] * (FEWEST - 1)) is None
