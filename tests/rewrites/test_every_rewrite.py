"""What holds for each rewrite: it fires where it should and only there, and changes no number."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from attnbench.backends import FORMATS
from attnbench.records import Applied
from attnbench.rewrites import REWRITES, rewrite
from attnbench.rewrites.base import difference, path_of
from tests.rewrites.cases import CASES, IMAGE, example, named, program, targets

NAMES = [one.name for one in REWRITES]


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def case(name):
    assert name in CASES, f"tests/rewrites/cases.py has no case for {name}"
    return CASES[name]


def test_every_case_is_a_rewrite_and_names_are_unique():
    assert sorted(NAMES) == sorted(CASES)


def test_it_fires_at_its_pattern_and_nowhere_else(name, case):
    _, applied = rewrite(program(case.module), example(), [named(name)])
    assert applied == (Applied(name, case.paths),)


def test_the_pattern_is_gone(name, case):
    before = program(case.module)
    after, _ = rewrite(before, example(), [named(name)])
    assert not case.gone or set(case.gone) & set(targets(before))
    assert not set(case.gone) & set(targets(after))


def test_the_original_is_left_as_it_was(name, case):
    before = program(case.module)
    code = before.code
    rewrite(before, example(), [named(name)])
    assert before.code == code


def test_no_number_changes_in_float64(name, case):
    double = copy.deepcopy(program(case.module)).double()
    x = [tensor.double() for tensor in example()]
    after, applied = rewrite(double, x, [named(name)])
    assert applied
    assert difference(double, after, x) < 1e-14


def test_another_input_gives_the_same_too(name, case):
    double = copy.deepcopy(program(case.module)).double()
    after, _ = rewrite(double, [tensor.double() for tensor in example()], [named(name)])
    other = [100 * torch.randn(IMAGE, dtype=torch.float64)]
    assert difference(double, after, other) < 1e-14


def test_a_second_time_changes_nothing(name, case):
    once, _ = rewrite(program(case.module), example(), [named(name)])
    twice, applied = rewrite(once, example(), [named(name)])
    assert applied == ()
    assert twice.code == once.code


def test_an_unrelated_graph_is_left_alone(name):
    plain = program(nn.Sequential(nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(96, 3)))
    after, applied = rewrite(plain, example(), [named(name)])
    assert applied == ()
    assert after.code == plain.code


def test_every_operator_still_knows_its_module_and_shape(name, case):
    before = program(case.module)
    paths = {path_of(node) for node in before.graph.nodes if node.op == "call_function"}
    after, _ = rewrite(before, example(), [named(name)])
    for node in after.graph.nodes:
        if node.op == "call_function":
            assert path_of(node) in paths
            assert "val" in node.meta


def test_it_says_why_and_serves_a_backend(name):
    one = named(name)
    assert one.why
    assert one.backends <= set(FORMATS)
    assert one.backends


def test_all_together_change_no_number():
    for case in CASES.values():
        double = copy.deepcopy(program(case.module)).double()
        x = [tensor.double() for tensor in example()]
        after, applied = rewrite(double, x, REWRITES)
        assert applied
        assert difference(double, after, x) < 1e-14
