"""The proof in float64 can fail."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from attnbench.errors import ExportError
from attnbench.rewrites import Rewrite, rewrite
from attnbench.rewrites.base import calls, difference, insert, path_of, replace
from tests.rewrites.cases import Inside, aten, example, program


def other_activation(graph):
    for node in calls(graph, aten.relu.default):
        yield path_of(node)
        replace(node, aten.sigmoid.default, node.args[0])


def a_little_more(graph):
    for node in calls(graph, aten.relu.default):
        yield path_of(node)
        fake = node.meta["val"]
        more = insert(node, aten.mul.Tensor, node.args[0], 1 + 1e-7, value=fake)
        replace(node, aten.relu.default, more)


def nothing_left(graph):
    for node in calls(graph, aten.relu.default):
        yield path_of(node)
        replace(node, aten.div.Tensor, node.args[0], 0.0)


def false(apply) -> Rewrite:
    return Rewrite("false", "it is wrong", frozenset({"onnx"}), apply)


@pytest.mark.parametrize("apply", [other_activation, a_little_more, nothing_left])
def test_a_rewrite_that_changes_numbers_is_refused(apply):
    with pytest.raises(ExportError, match="the rewrites false change the output by") as caught:
        rewrite(program(Inside(nn.ReLU())), example(), [false(apply)])
    assert "--no-rewrite" in caught.value.hint


def test_difference_is_a_share_of_the_range():
    one = nn.Identity()
    x = torch.tensor([0.0, 10.0])
    assert difference(one, nn.ReLU(), [x]) == 0
    assert difference(one, nn.Hardtanh(0, 9), [x]) == pytest.approx(0.1)


def test_not_a_number_is_no_equality():
    class Nan(nn.Module):
        def forward(self, x):
            return x * float("nan")

    assert difference(nn.Identity(), Nan(), [torch.ones(3)]) == float("inf")
    assert difference(Nan(), Nan(), [torch.ones(3)]) == float("inf")
