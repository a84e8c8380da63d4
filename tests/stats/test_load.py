"""A continuous load whose truth is simulated: its slow tenth, and where it is going."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from attnbench.stats.load import high, slope
from tests.stats.simulated import Machine

TRACES, COUNT = 20, 1500
MACHINES = {"quiet": Machine(), "wandering": Machine(wander=0.01, memory=0.8)}


def load(machine, change, rng):
    """Inferences of 40 ms for a minute, that take `change` more in the end, evenly."""
    times = machine.times(COUNT, rng) * (1 + change) ** np.linspace(0, 1, COUNT)
    return [round(ns) for ns in 40e6 * times]


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("change", [0.0, 0.1])
def test_the_interval_of_the_slope_covers_it(name, change):
    rng, hits = np.random.default_rng(51), 0
    for _ in range(TRACES):
        times = load(MACHINES[name], change, rng)
        found, low, top = slope(times)
        truth = (1 + change) ** (60e9 / sum(times)) - 1
        assert low <= found <= top
        hits += low <= truth <= top
    assert binomtest(hits, TRACES).proportion_ci(0.99, "exact").high >= 0.95, hits


def test_a_burst_does_not_tilt_it():
    times = load(Machine(), 0.0, np.random.default_rng(52))
    times[1200:1240] = [2 * ns for ns in times[1200:1240]]
    assert abs(slope(times)[0]) < 0.002


def test_the_slow_tenth_lies_in_its_interval():
    found = high(load(Machine(wander=0.02), 0.0, np.random.default_rng(53)))
    assert found.low < found.median < found.high
    assert math.isclose(found.high, found.low, rel_tol=0.1)
