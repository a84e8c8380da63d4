from __future__ import annotations

from types import SimpleNamespace

from attnbench.attribution.delegation import (
    Delegated,
    delegated,
    delegation_cases,
    delegation_notes,
)
from attnbench.records import Block, Delegation, Undelegated

BEFORE = Delegated(1, {"head": 2})


def failed(now):
    return [case.metric for case in delegation_cases(now, BEFORE) if not case.passed]


def test_the_same_passes_and_says_nothing():
    assert failed(BEFORE) == []
    assert delegation_notes(BEFORE, BEFORE) == ()


def test_an_operator_that_came_into_the_delegate_is_no_fault():
    assert failed(Delegated(1, {"head": 1})) == []


def test_a_block_that_left_fails_by_name_whatever_came_in_elsewhere():
    now = Delegated(1, {"head": 0, "features.3.attention": 2})
    assert failed(now) == ["left_delegate"]
    (note,) = delegation_notes(now, BEFORE)
    assert note.startswith("features.3.attention has left the delegate: 2 of")


def test_a_delegate_that_was_split_fails():
    assert failed(Delegated(2, {"head": 2})) == ["delegates"]


def test_operators_are_counted_by_their_deepest_block():
    outside = [
        Undelegated("mean", path, "why")
        for path in ("features.3.attention.pool", "features.3", "features.30", None)
    ]
    blocks = tuple(Block(path, "backbone") for path in ("features.3", "features.3.attention"))
    artifact = SimpleNamespace(blocks=blocks, delegation=Delegation(2, 5, tuple(outside)))
    assert delegated(artifact) == Delegated(
        2, {"features.3.attention": 1, "features.3": 1, "(model)": 1, "(unknown)": 1}
    )
