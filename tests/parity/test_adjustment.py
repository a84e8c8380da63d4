"""Limits of a team's own: tighter at will, wider for a reason that is told."""

from __future__ import annotations

import pytest

from attnbench.errors import BadOption
from attnbench.parity.adjustment import NOTHING, Adjustment
from attnbench.parity.limits import limits_for

USUAL = limits_for("onnx", "fp32")


def test_nothing_adjusts_nothing():
    assert NOTHING.of(USUAL) == USUAL
    assert NOTHING.told(USUAL) == ()


def test_what_is_tighter_needs_no_reason():
    own = Adjustment(factor=USUAL.factor / 2, ceiling_db=USUAL.ceiling_db + 10)
    tighter = own.of(USUAL)
    assert tighter.max_error(1e-3) == USUAL.max_error(1e-3) / 2
    assert tighter.snr_db(300) == USUAL.snr_db(300) + 10
    assert tighter.floor == USUAL.floor
    assert len(own.told(USUAL)) == 2


@pytest.mark.parametrize("wider", [{"factor": 17}, {"ceiling_db": 99}, {"absolute": 1}])
def test_what_is_wider_needs_one(wider):
    with pytest.raises(BadOption, match="is wider than") as raised:
        Adjustment(**wider).of(USUAL)
    assert "reason" in raised.value.hint
    own = Adjustment(**wider, reason="their runtime sums in half precision")
    (name,) = wider
    assert getattr(own.of(USUAL), name) == wider[name]
    (told,) = own.told(USUAL)
    assert told.endswith("their runtime sums in half precision")


def test_a_limit_is_positive():
    with pytest.raises(BadOption, match="floor has to be positive"):
        Adjustment(floor=0).of(USUAL)
