"""Which matrix products become a bmm."""

from __future__ import annotations

import pytest

from tests.rewrites.cases import Calling, aten, named, program, targets
from tests.rewrites.test_edges import applied_to, left_alone

CASE = "matmul-to-bmm"


def after(function, shape):
    graph = program(Calling(function), shape)
    list(named(CASE).apply(graph))
    return targets(graph)


def test_one_batch_dimension_needs_no_reshape():
    assert after(lambda x: x @ x.mT, (3, 4, 5)).count(aten.reshape.default) == 0


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 1, 3, 4, 5)])
def test_several_batch_dimensions_are_made_one(shape):
    found = after(lambda x: x @ x.mT, shape)
    assert found.count(aten.bmm.default) == 1
    assert found.count(aten.reshape.default) == 3
    assert applied_to(Calling(lambda x: x @ x.mT), CASE, shape) == ("",)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x @ x[0].mT,  # broadcasts
        lambda x: x @ x[:1].mT,
        lambda x: x[0] @ x[0].mT,  # no batch
        lambda x: x @ x[0, 0],  # a vector
    ],
)
def test_others_stay(function):
    assert left_alone(function, CASE, (2, 4, 5))
