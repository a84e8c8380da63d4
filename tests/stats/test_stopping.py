"""Going on until an effect could be seen: no more false alarms, and the power asked for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from attnbench.records import Finding
from attnbench.stats.paired import ratio, replicate_spread, score
from attnbench.stats.stopping import PILOT, next_look
from tests.stats.simulated import MACHINES, Machine
from tests.stats.test_paired import rounds

MOST = 200


def stopped(machine: Machine, rng: np.random.Generator, slower: float, effect: float):
    """The finding, and after how many rounds."""
    orders, times = rounds(machine, rng, slower, MOST)
    done = PILOT
    while done < (wanted := min(MOST, next_look(effect, times[:done]))):
        done = wanted
    scores = [score(*one) for one in zip(orders[:done], times[:done], strict=True)]
    return ratio(scores).finding, done


@pytest.mark.parametrize("name", MACHINES)
def test_looking_at_the_spread_makes_no_false_alarms(name):
    rng, trials = np.random.default_rng(7), 200
    found = [stopped(MACHINES[name], rng, 0.0, 0.02)[0] for _ in range(trials)]
    alarms = trials - found.count(Finding.NOT_DISTINGUISHABLE)
    assert scipy_stats.binomtest(alarms, trials).proportion_ci(0.999, "exact").low <= 0.05, alarms


def test_no_more_false_alarms_over_many_trials():
    """The case in which the experiment grows most; 2000 of them tell 5 % from 6.5 %."""
    rng, trials = np.random.default_rng(8), 2000
    found = [stopped(Machine(tail=0.012), rng, 0.0, 0.015) for _ in range(trials)]
    alarms = trials - [one for one, _ in found].count(Finding.NOT_DISTINGUISHABLE)
    assert np.median([done for _, done in found]) > 1.4 * PILOT
    assert scipy_stats.binomtest(alarms, trials).proportion_ci(0.95, "exact").low <= 0.05, alarms


@pytest.mark.parametrize(
    ("name", "effect"),
    [("quiet", 0.005), ("drifting", 0.01), ("autocorrelated", 0.02), ("heavy tails", 0.02)],
)
def test_an_effect_of_that_size_is_seen(name, effect):
    rng, trials = np.random.default_rng(9), 200
    found = [stopped(MACHINES[name], rng, effect, effect)[0] for _ in range(trials)]
    assert found.count(Finding.SLOWER) / trials >= 0.72  # 0.8, less what 200 tries can be off
    assert Finding.FASTER not in found


@pytest.mark.parametrize("slower", [0.0, 0.02, 5.0])
def test_when_to_look_next_does_not_depend_on_the_difference(slower):
    machine = MACHINES["everything"]
    times = [rounds(machine, np.random.default_rng(10), s, 40)[1] for s in (0.0, slower)]
    looks = [next_look(0.02, one) for one in times]
    assert looks[0] == looks[1]
    assert replicate_spread(times[0]) == pytest.approx(replicate_spread(times[1]))


def test_a_step_at_most_doubles():
    times = rounds(Machine(tail=0.3), np.random.default_rng(11), 0.0, PILOT)[1]
    assert next_look(0.001, times) == 2 * PILOT
    assert next_look(10.0, times) <= PILOT
