"""What was seen of a device against what its profile wants: every doubt with a next step."""

from dataclasses import replace

import pytest

from attnbench.pipeline.held import doubts
from attnbench.pipeline.reasons import REASONS
from attnbench.pipeline.validity import judge
from attnbench.records import INSTRUCTIONS, Conditions, Reading, Wanted
from tests.report.invented import refused

CLOCK_WITHIN = REASONS["clock"].limit

WANTED = Wanted(
    max_khz={"0": 1_800_000, "2": 2_400_000, "3": 2_400_000},
    governor="performance",
    cooldown_s=120.0,
    start_temperature_c=60.0,
)
LOOK = Reading(temperature_c=55.0, governor="performance", throttled=(), load=0.1)
DURING = Reading(frequency_khz={"2": 2_400_000, "3": 600_000}, cpu=2)


def seen(**changes):
    given = {"before": LOOK, "during": (DURING, DURING), "after": LOOK, "wanted": WANTED}
    return Conditions(0.1, 0.1, 4, 0.0, **(given | {"starts_c": (59.0, None)} | changes))


def said(conditions, cpus=(2, 3)):
    return list(map(str, doubts(conditions, cpus)))


def test_a_device_that_was_held_still_gives_no_doubt():
    assert said(seen()) == []  # that processor 3 idled is no matter


def test_what_cannot_be_read_gives_none_either():
    assert (
        said(seen(before=Reading(), during=(Reading(),), after=Reading(), starts_c=(None,))) == []
    )
    assert said(Conditions(None, None, 4)) == []


@pytest.mark.parametrize(
    ("signs", "words"),
    [
        (("under-voltage",), "stronger power supply"),
        (("under-voltage has occurred",), "stronger power supply"),
        (("throttled", "soft temperature limit"), "throttled, soft temperature limit: let it cool"),
        (("thermal status severe",), "thermal status severe: let it cool"),
    ],
)
def test_being_held_back_meanwhile(signs, words):
    (text,) = said(seen(after=replace(LOOK, throttled=signs)))
    assert words in text


def test_what_occurred_before_is_history():
    old = replace(LOOK, throttled=("throttling has occurred",))
    assert said(seen(before=old, after=old)) == []


@pytest.mark.parametrize(("share", "doubted"), [(1 - CLOCK_WITHIN / 2, False), (0.9, True)])
def test_a_clock_below_the_profiles(share, doubted):
    slow = replace(DURING, frequency_khz={"2": round(2_400_000 * share)})
    found = said(seen(during=(DURING, slow)))
    assert [text.partition(" ran at")[0] for text in found] == ["processor 2"] * doubted


def test_fixed_performance_may_be_slower_but_has_to_stay():
    held = replace(WANTED, fixed_performance=True)
    slow = replace(DURING, frequency_khz={"2": 1_200_000})
    assert said(seen(during=(slow, slow), wanted=held)) == []
    (text,) = said(seen(during=(slow, DURING), wanted=held))
    assert "from 1200 MHz to 2400 MHz" in text


def test_without_a_profile_a_clock_still_must_not_change():
    slow = replace(DURING, frequency_khz={"2": 1_200_000})
    (text,) = said(seen(during=(slow, DURING), wanted=None, starts_c=()))
    assert "changed between launches" in text


def test_a_governor_that_was_not_to_be_had():
    (text,) = said(seen(before=replace(LOOK, governor="ondemand")))
    assert "the governor is ondemand, the profile wants performance: allow sudo" in text


def test_a_warm_start():
    (text,) = said(seen(starts_c=(59.0, 63.5, 61.0)))
    assert text.startswith("2 of 3 launches began above 60 °C, at up to 63.5 °C after 120 s")


def test_a_runner_that_wandered():
    assert "processor 0, which is none of its own" in said(seen(during=(Reading(cpu=0),)))[0]
    both = (Reading(cpu=0), Reading(cpu=2))
    assert "different kinds (0, 2)" in said(seen(during=both), cpus=(0, 2))[0]


def test_where_instructions_are_counted_none_of_this_matters():
    hot = seen(after=replace(LOOK, throttled=("throttled",)), starts_c=(90.0,))
    real = replace(refused("onnx", 1.0), conditions=hot, cpus=(2,))
    assert judge(real).reasons == ("refusal", "throttling", "start")
    assert judge(replace(real, clock=INSTRUCTIONS)).reasons == ("refusal",)
