"""Which of many tests to believe."""

import numpy as np
from scipy import stats as scipy_stats

from attnbench.stats.many import discoveries


def test_agrees_with_adjusted_p_values():
    rng = np.random.default_rng(0)
    for _ in range(100):
        p = rng.uniform(0, 1, 30) ** rng.choice([1, 3])
        adjusted = scipy_stats.false_discovery_control(p, method="bh")
        assert discoveries(list(p)) == tuple(adjusted <= 0.05)


def test_few_false_ones_among_those_that_are_believed():
    """Thirty blocks that share the noise of a launch; six of them are slower."""
    rng, shares = np.random.default_rng(1), []
    for _ in range(300):
        z = np.sqrt(0.3) * rng.normal() + np.sqrt(0.7) * rng.normal(size=30)
        z[:6] += 4
        found = np.array(discoveries(list(2 * scipy_stats.norm.sf(abs(z)))))
        shares.append(found[6:].sum() / max(1, found.sum()))
    assert np.mean(shares) <= 0.05


def test_nothing_is_nothing():
    assert discoveries([]) == ()
    assert discoveries([0.2, 0.9]) == (False, False)
