"""The test of B against A: exact where it says so, and better than the rules in use."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from attnbench.records import Finding
from attnbench.stats.paired import (
    FEWEST_BLOCKS,
    ORDERS,
    blocks_for,
    detectable,
    ratio,
    replicate_spread,
    schedule,
    score,
)
from tests.stats.simulated import MACHINES, Machine

TRACES = 2000
BLOCKS = 16
EFFECT = 0.03


def rounds(machine: Machine, rng: np.random.Generator, slower: float, blocks: int = BLOCKS):
    """The orders and times of one interleaved experiment in which B takes 1 + slower."""
    orders = schedule(blocks, int(rng.integers(1 << 30)))
    letters = np.array(list("".join(orders)))
    times = machine.times(len(letters), rng) * np.where(letters == "B", 1 + slower, 1)
    return orders, times.reshape(-1, 4)


def experiment(machine: Machine, rng: np.random.Generator, slower: float, blocks: int = BLOCKS):
    """Its scores."""
    orders, times = rounds(machine, rng, slower, blocks)
    return [score(order, four) for order, four in zip(orders, times, strict=True)]


def findings(machine: Machine, slower: float, traces: int = TRACES) -> list[Finding]:
    rng = np.random.default_rng(1)
    return [ratio(experiment(machine, rng, slower)).finding for _ in range(traces)]


@pytest.mark.parametrize("name", MACHINES)
def test_alike_models_are_called_different_as_rarely_as_promised(name):
    found = findings(MACHINES[name], 0.0)
    for wrong in (Finding.SLOWER, Finding.FASTER):
        alarms = found.count(wrong)
        assert alarms_allow(alarms, TRACES, 0.025), f"{wrong}: {alarms} of {TRACES}"


def alarms_allow(alarms: int, trials: int, rate: float) -> bool:
    """Whether a true rate of at most `rate` is inside the 99.9 % Clopper-Pearson interval."""
    return scipy_stats.binomtest(alarms, trials).proportion_ci(0.999, "exact").low <= rate


@pytest.mark.parametrize("name", ["quiet", "drifting", "autocorrelated", "throttling"])
def test_three_percent_are_found(name):
    found = findings(MACHINES[name], EFFECT, 400)
    assert found.count(Finding.SLOWER) / len(found) >= 0.8
    assert Finding.FASTER not in found


def five_percent(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.median(b) / np.median(a) > 1.05)


def ratio_of_1_1(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.median(b) / np.median(a) >= 1.1)


def fai_pep(a: np.ndarray, b: np.ndarray) -> bool:
    """p50 above the p90 of the baseline's p90s plus a tenth of their range, two runs in a row."""
    history = [np.percentile(part, 90) for part in np.array_split(a, 5)]
    bar = np.percentile(history, 90) + (max(history) - min(history)) / 10
    return all(np.median(part) > bar for part in np.array_split(b, 2))


RULES = {"5 %": five_percent, "ratio 1.1": ratio_of_1_1, "FAI-PEP": fai_pep}


def alarms_of(rule, machine: Machine, slower: float, traces: int) -> float:
    """How often a rule cries out when all of A ran before all of B, as it is meant to be used."""
    rng = np.random.default_rng(1)
    cries = 0
    for _ in range(traces):
        times = machine.times(4 * BLOCKS, rng)
        a, b = times[: 2 * BLOCKS], times[2 * BLOCKS :] * (1 + slower)
        cries += rule(a, b)
    return cries / traces


@pytest.mark.parametrize("rule", RULES)
def test_is_better_than_the_rule(rule):
    """More true alarms, fewer false ones, or both, over all machines with the same launches."""
    traces = 300
    theirs = np.array(
        [[alarms_of(RULES[rule], m, s, traces) for s in (0, EFFECT)] for m in MACHINES.values()]
    )
    ours = np.array(
        [
            [findings(m, s, traces).count(Finding.SLOWER) / traces for s in (0, EFFECT)]
            for m in MACHINES.values()
        ]
    )
    assert (ours[:, 1] - ours[:, 0]).sum() > (theirs[:, 1] - theirs[:, 0]).sum() + 1
    assert ours[:, 0].max() <= max(0.05, theirs[:, 0].max())


def test_the_interval_covers_the_truth_and_is_the_tests_own():
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(1000):
        scores = experiment(MACHINES["heavy tails"], rng, 0.05)
        found = ratio(scores)
        assert found.low <= found.value <= found.high
        covered += found.low <= 1.05 <= found.high
        p = scipy_stats.wilcoxon(scores, method="exact").pvalue
        assert (found.finding is not Finding.NOT_DISTINGUISHABLE) == (p <= 0.05)
    assert 0.93 <= covered / 1000 <= 0.98


def test_a_block_cancels_a_steady_drift_and_ignores_the_order():
    times = [1.0, 1.1, 1.21, 1.331]  # 10 % slower with each launch
    assert score("ABBA", times) == pytest.approx(0)
    assert score("BAAB", times) == pytest.approx(0)
    assert score("ABBA", [1, 2, 2, 1]) == pytest.approx(math.log(2))
    assert score("BAAB", [1, 2, 2, 1]) == pytest.approx(-math.log(2))


def test_a_schedule_is_random_and_repeatable():
    drawn = schedule(1000, seed=3)
    assert set(drawn) == set(ORDERS)
    assert 430 < drawn.count("ABBA") < 570
    assert drawn == schedule(1000, seed=3) != schedule(1000, seed=4)


def test_five_blocks_are_too_few():
    with pytest.raises(ValueError, match="5 blocks are too few"):
        ratio([0.1, 0.2, 0.3, 0.4, 0.5])
    assert ratio([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]).finding is Finding.SLOWER


@pytest.mark.parametrize("effect", [0.01, 0.03, 0.1])
def test_the_planned_effort_has_the_planned_power(effect):
    machine, rng = Machine(tail=0.02), np.random.default_rng(5)
    pilot = ratio(experiment(machine, rng, 0, blocks=200)).spread
    blocks = blocks_for(effect, pilot)
    tried = 300 if blocks <= 64 else 60
    found = [ratio(experiment(machine, rng, effect, blocks)).finding for _ in range(tried)]
    assert found.count(Finding.SLOWER) / tried >= 0.72  # 0.8, less what 60 tries can be off
    assert detectable(blocks, pilot) <= effect
    fewer = blocks - 1 - blocks // 20
    assert blocks == FEWEST_BLOCKS or detectable(fewer, pilot) > effect


def test_p_is_the_signed_rank_tests_and_agrees_with_the_interval():
    rng = np.random.default_rng(3)
    for size in (6, 9, 16, 40):
        for shift in (0.0, 0.3, 0.8):
            scores = [float(one) for one in rng.normal(shift, 1, size)]
            found = ratio(scores)
            assert found.p == pytest.approx(scipy_stats.wilcoxon(scores, method="exact").pvalue)
            assert (found.p <= 0.05) == (found.finding is not Finding.NOT_DISTINGUISHABLE)
    assert ratio([0.0] * 8).p == 1
    assert ratio([0.0] * 8).finding is Finding.NOT_DISTINGUISHABLE


def test_hundreds_of_blocks_are_planned_and_judged_at_once():
    rng = np.random.default_rng(4)
    assert ratio(list(rng.normal(0.02, 0.1, 500))).finding is Finding.SLOWER
    assert 700 < blocks_for(0.001, 0.01) < 900


@pytest.mark.parametrize("effect", [0.0, 0.5])
def test_the_spread_of_replicates_knows_nothing_of_the_effect(effect):
    machine, rng = Machine(tail=0.02), np.random.default_rng(6)
    orders, times = rounds(machine, rng, effect, 200)
    scores = [score(order, four) for order, four in zip(orders, times, strict=True)]
    assert replicate_spread(times) == pytest.approx(ratio(scores).spread, rel=0.25)
    alike = np.where(np.array([list(order) for order in orders]) == "B", 1 + effect, 1)
    assert replicate_spread(times / alike) == pytest.approx(replicate_spread(times))
