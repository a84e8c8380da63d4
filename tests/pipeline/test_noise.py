"""A against A: what many rounds say of a device."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from attnbench.cli import main
from attnbench.devices import DEVICES
from attnbench.errors import BadOption
from attnbench.files import write
from attnbench.pipeline import noise as module
from attnbench.pipeline.bench import Measured
from attnbench.pipeline.compare import compare
from attnbench.pipeline.noise import false_alarms, known_noise, measure_noise, noise, rounds_in
from attnbench.pipeline.trial import ROUNDS, Interleaved, Pair, Plan
from attnbench.progress import Silent
from attnbench.records import INSTRUCTIONS, Noise, Residual
from attnbench.stats.paired import schedule
from attnbench.store import to_json
from tests.report.invented import measurement


def alike(rounds, seconds=2.0, deviation=0.01):
    """A and B of one and the same time, with noise from launch to launch."""
    rng, one = np.random.default_rng(0), measurement("onnx", 1.0, Residual(), 1.0)
    sides = [
        Measured(
            replace(one, runs=tuple((round(1e6 * t),) for t in rng.lognormal(0, deviation, n)))
        )
        for n in (2 * rounds, 2 * rounds)
    ]
    turns = Interleaved(Plan.filling(600, 1), schedule(rounds, 1), seconds)
    return Pair(*sides, turns)


def test_alarms_are_counted_over_experiments():
    found = noise(alike(400))
    assert (found.experiments, found.rounds) == (50, ROUNDS)
    assert found.rate_low <= found.alarms / 50 <= found.rate_high
    assert found.rate_low <= 0.05
    assert found.spread == pytest.approx(0.01, rel=0.2)


def test_more_time_sees_less():
    found = noise(alike(80))
    shares = [found.detectable[key] for key in ("60", "300", "1200")]
    assert shares == sorted(shares, reverse=True)
    assert shares[1] == pytest.approx(2.8 * found.spread / np.sqrt(150), rel=0.1)
    assert rounds_in(1, 2.0) == 6


def test_an_alarm_is_an_alarm():
    shift = [0.05 + 0.001 * i for i in range(ROUNDS)]
    none = [(-1) ** i * 0.01 * (i + 1) for i in range(ROUNDS)]
    assert false_alarms([*shift, *none, *[-one for one in shift], 1.0]) == 2


def test_too_little_time_says_so():
    with pytest.raises(BadOption, match=r"time for 20 rounds of 2.0 s") as caught:
        noise(alike(20))
    assert caught.value.hint == "raise --budget"


def test_what_is_known_of_a_device_is_told_by_its_comparisons(cache):
    found = noise(alike(80))
    assert known_noise(found.device) is None
    write(module._path(found.device), to_json(found))
    assert known_noise(found.device) == found
    assert known_noise(replace(found.device, cpu="another")) is None
    (note,) = compare(alike(8), noise=found).notes
    assert "can be seen in 5 min" in note
    assert isinstance(found, Noise)


def test_a_model_takes_turns_with_itself(cache, monkeypatch):
    """Through the real runner; as few rounds as give experiments, whatever they take."""
    monkeypatch.setattr(module, "INTERLEAVED", replace(module.INTERLEAVED, iterations=1, warmup=0))
    monkeypatch.setattr(module, "FEWEST_EXPERIMENTS", 1)
    plan = replace(Plan.filling(600, 1), rounds=ROUNDS)
    monkeypatch.setattr(module, "Plan", type("Fixed", (), {"filling": lambda *_: plan}))
    found = measure_noise(DEVICES.get("host"), 1.0, 1, Silent())
    assert found.experiments == 1
    assert known_noise(found.device) == found
    assert found.spread > 0
    assert not [text for text in found.validity.warnings if "time per block" in text]


def test_counts_have_no_noise():
    counting = replace(DEVICES.get("host"), clock=INSTRUCTIONS)
    with pytest.raises(BadOption, match="--noise: instruction time has none"):
        measure_noise(counting, 1.0, 1, Silent())


def test_a_budget_goes_with_noise():
    done = CliRunner().invoke(main, ["doctor", "--budget", "1m"])
    assert done.exit_code == 2
    assert "--budget is how long --noise may take" in done.stderr
