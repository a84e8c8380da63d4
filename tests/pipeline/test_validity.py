from dataclasses import replace

import pytest

from attnbench.attribution.conserve import Attribution
from attnbench.pipeline.validity import COMPETING_CORES, LOAD_PER_CORE, UNATTRIBUTED, judge
from attnbench.records import BlockTime, Conditions, Paired, Residual

QUIET = Conditions(load_before=0.1, load_after=0.3, cores=2, competing_cores=0.01)


def attribution(closure=1.0, unattributed=0.0):
    plain = 1_000_000
    lost = round(unattributed * closure * plain)
    block = BlockTime("stem", "backbone", round(closure * plain) - lost, 1 - unattributed)
    return Attribution((block,), Residual(unattributed=lost), Paired(plain, plain, 6, 60), 0)


def test_a_clean_measurement_is_valid():
    assert judge(attribution(), None, QUIET).ok


@pytest.mark.parametrize("closure", [0.97, 1.03])
def test_blocks_that_do_not_add_up_are_not_trusted(closure):
    found = judge(attribution(closure), None, QUIET)
    assert not found.ok
    assert f"{closure:.1%}" in found.warnings[0]


@pytest.mark.parametrize(("share", "ok"), [(UNATTRIBUTED * 0.9, True), (UNATTRIBUTED * 1.1, False)])
def test_time_without_an_owner(share, ok):
    assert judge(attribution(unattributed=share), None, QUIET).ok == ok


@pytest.mark.parametrize(
    ("busy", "ok"), [(COMPETING_CORES * 0.9, True), (COMPETING_CORES * 1.1, False), (None, True)]
)
def test_other_work_on_the_machine(busy, ok):
    found = judge(attribution(), None, replace(QUIET, competing_cores=busy))
    assert found.ok == ok


def test_the_load_average_speaks_only_where_nothing_better_is_known():
    loaded = replace(QUIET, load_before=LOAD_PER_CORE * 2 + 0.1)
    assert judge(attribution(), None, loaded).ok  # our own exports caused it
    assert not judge(attribution(), None, replace(loaded, competing_cores=None)).ok


def test_a_refused_attribution_says_why():
    found = judge(None, "kernels cannot be aligned", QUIET)
    assert found.warnings == ("no time per block: kernels cannot be aligned",)
