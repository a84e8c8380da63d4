"""The alignment says what is proved, and only that; held against brute force."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnbench.attribution.alignment import Candidates, agreed, align


def kinds_match(events, sources):
    return np.array([[e == s for s in sources] for e in events], bool).reshape(
        len(events), len(sources)
    )


def every_matching(events, sources, droppable, insertable):
    """All complete order-preserving matchings, by trying every pair of subsets."""
    for size in range(min(len(events), len(sources)) + 1):
        for used_events in combinations(range(len(events)), size):
            if not all(insertable[i] for i in range(len(events)) if i not in used_events):
                continue
            for used_sources in combinations(range(len(sources)), size):
                rest = (j for j in range(len(sources)) if j not in used_sources)
                pairs = list(zip(used_events, used_sources, strict=True))
                if all(droppable[j] for j in rest) and all(
                    events[i] == sources[j] for i, j in pairs
                ):
                    yield dict(pairs)


sequences = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=6)


@settings(max_examples=300, deadline=None)
@given(sequences, sequences)
def test_candidates_are_exactly_those_of_all_matchings(events, sources):
    names, insertable = [e for e, _ in events], [flag for _, flag in events]
    kinds, droppable = [s for s, _ in sources], [flag for _, flag in sources]
    found = align(kinds_match(names, kinds), droppable, insertable)
    matchings = list(every_matching(names, kinds, droppable, insertable))
    if not matchings:
        assert found is None
        return
    assert found == [
        Candidates(
            tuple(sorted({m[i] for m in matchings if i in m})), any(i not in m for m in matchings)
        )
        for i in range(len(names))
    ]


def test_a_fused_operator_leaves_the_rest_proved():
    found = align(kinds_match("cam", "cpam"), [False, True, False, False], [False] * 3)
    assert [one.sources for one in found] == [(0,), (2,), (3,)]


def test_a_missing_event_of_an_operator_that_must_report_is_no_alignment():
    assert align(kinds_match("ca", "cma"), [False] * 3, [False] * 2) is None


def test_an_unknown_event_is_no_alignment():
    assert align(kinds_match("cxa", "ca"), [False] * 2, [False] * 3) is None


@pytest.mark.parametrize(
    ("owners", "expected"),
    [({0: "f.1", 1: "f.1"}, "f.1"), ({0: "f.1", 1: "f.2"}, None)],
)
def test_an_event_has_an_owner_only_if_all_its_sources_agree(owners, expected):
    one = Candidates((0, 1), inserted=False)
    assert agreed([one], owners.__getitem__, "layout") == [expected]


def test_an_event_that_may_have_been_inserted_has_no_owner():
    assert agreed([Candidates((0,), inserted=True)], {0: "f.1"}.__getitem__, "layout") == [None]
