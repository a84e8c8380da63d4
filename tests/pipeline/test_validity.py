"""Every reason for doubt, by a measurement that gives it and one that just does not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from attnbench.pipeline.reasons import REASONS
from attnbench.pipeline.validity import judge
from attnbench.records import INSTRUCTIONS, Conditions, Reading, Residual, Wanted
from tests.report.invented import measurement, refused

QUIET = Conditions(load_before=0.1, load_after=0.3, cores=2, competing_cores=0.01)
HERE = Reading(governor="performance", throttled=(), frequency_khz={"0": 2_000_000}, cpu=0)
WANTED = Wanted(max_khz={"0": 2_000_000}, governor="performance", start_temperature_c=60.0)
HELD = replace(
    QUIET, before=HERE, during=(HERE, HERE), after=HERE, wanted=WANTED, starts_c=(55.0, 58.0)
)


def logs(launches=10, iterations=50):
    """Steady times, as deviations of logarithms: half a percent each, and between launches."""
    draw = np.random.default_rng(3)
    return draw.normal(0, 0.005, (launches, iterations)) + draw.normal(0, 0.003, (launches, 1))


def taking(deviations):
    runs = np.exp(deviations) * 1e7
    return tuple(tuple(map(int, run)) for run in runs)


def clean(**changes):
    made = measurement("onnx", 1.0, Residual(), 1.0)
    return replace(made, **({"runs": taking(logs()), "conditions": HELD} | changes))


def with_closure(closure, unattributed=0.0):
    made = measurement("onnx", 1.0, Residual(), closure)
    lost = round(unattributed * closure * made.paired.plain_ns)
    return clean(closure=made.closure, paired=made.paired, residual=Residual(unattributed=lost))


def with_block(share_of_step):
    """An attention block that takes so much of a step of the profiler's clock."""
    blocks = clean().blocks
    at = next(i for i, one in enumerate(blocks) if one.kind == "attention")
    small = replace(blocks[at], ns=round(1000 * share_of_step), resolution_ns=1000)
    return clean(blocks=(*blocks[:at], small, *blocks[at + 1 :]))


def with_overhead(share):
    return clean(profiler_overhead_ns=round(clean().paired.plain_ns * share))


def in_modes(gap, slow_launches=4):
    """Some launches take that much longer than others."""
    slow = np.arange(10)[:, None] % 10 < slow_launches
    return clean(runs=taking(logs()[np.random.default_rng(5).permutation(10)] + gap * slow))


def with_outliers(share):
    far = np.zeros((10, 50))
    far.flat[np.random.default_rng(4).permutation(500)[: round(500 * share)]] = 0.4
    return clean(runs=taking(logs() + far))


def drifting(change):
    return clean(runs=taking(logs() + np.linspace(0, np.log1p(change), 10)[:, None]))


def seen(**changes):
    return clean(conditions=replace(HELD, **changes))


def told(*signs):
    return seen(after=replace(HERE, throttled=signs))


GIVEN = {
    "refusal": (refused("onnx", 1.0), clean()),
    "closure": (with_closure(1.022), with_closure(0.982)),
    "unattributed": (with_closure(1.0, 0.017), with_closure(1.0, 0.013)),
    "overhead": (with_overhead(0.51), with_overhead(0.49)),
    "resolution": (with_block(0.9), with_block(1.1)),
    "unsettled": (clean(unsettled=range(6)), clean(unsettled=range(5))),
    "drift": (drifting(0.03), drifting(0.015)),
    "bimodal": (in_modes(0.06), in_modes(0.01)),
    "outliers": (with_outliers(0.07), with_outliers(0.04)),
    "binary": (clean(libraries={"libonnx.so": "f" * 64}), clean()),
    "other processes": (seen(competing_cores=0.26), seen(competing_cores=0.24)),
    "load": (
        seen(competing_cores=None, load_before=1.6),
        seen(competing_cores=None, load_before=1.4),
    ),
    "under-voltage": (told("under-voltage"), told()),
    "throttling": (told("throttled"), told()),
    "clock": (
        seen(during=(HERE, replace(HERE, frequency_khz={"0": 1_950_000}))),
        seen(during=(HERE, replace(HERE, frequency_khz={"0": 1_970_000}))),
    ),
    "governor": (seen(before=replace(HERE, governor="ondemand")), clean()),
    "start": (seen(starts_c=(55.0, 61.0)), seen(starts_c=(60.0,))),
    "migration": (seen(during=(HERE, replace(HERE, cpu=3))), clean()),
}
EXPECTED = {"libonnx.so": "0" * 64}


def test_every_reason_is_tried():
    assert GIVEN.keys() == REASONS.keys()


@pytest.mark.parametrize("name", REASONS)
def test_a_reason_beyond_its_limit_is_given_with_its_step_and_within_it_is_not(name):
    doubted, trusted = (judge(one, EXPECTED) for one in GIVEN[name])
    assert name in doubted.reasons
    assert not doubted.ok
    assert len(doubted.warnings) >= len(doubted.reasons)
    assert all(": " in text for text in doubted.warnings)
    assert trusted.ok, trusted.warnings


@pytest.mark.parametrize("name", sorted(REASONS.keys() - {"refusal"}))
def test_no_other_reason_comes_along(name):
    assert judge(GIVEN[name][0], EXPECTED).reasons == (name,)


def test_instruction_time_is_judged_by_what_can_change_it_alone():
    found = {
        name: judge(replace(one, clock=INSTRUCTIONS), EXPECTED) for name, (one, _) in GIVEN.items()
    }
    assert {name for name, one in found.items() if not one.ok} == {
        "refusal",
        "closure",
        "unattributed",
        "binary",
    }


def test_the_load_average_speaks_only_where_nothing_better_is_known():
    assert judge(seen(load_before=9.0)).ok  # our own exports caused it


def test_libraries_of_which_nobody_knows_the_digest_are_not_doubted():
    assert judge(clean(libraries={"libother.so": "f" * 64}), EXPECTED).ok


def test_a_refused_attribution_says_why():
    one = replace(refused("onnx", 1.0), runs=taking(logs()), refusal="kernels cannot be aligned")
    assert judge(one).warnings == ("no time per block: kernels cannot be aligned",)


def test_the_page_has_every_reason_with_its_limit():
    page = Path(__file__).resolve().parents[2] / "docs" / "statistics.md"
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:-1]]
        for line in page.read_text().splitlines()
        if len(cells := line.split("|")) == 6
    }
    for name, reason in REASONS.items():
        of, limit, why = rows[name]
        assert (of, why) == (reason.of, reason.why)
        shown = {"any": "any", "share": f"{reason.limit * 100:g} %"}
        assert limit == shown.get(reason.unit, f"{reason.limit:g} {reason.unit}")
