"""The rounded reference: its steps, its ranges, and where it rounds."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from attnbench.quantise.calibration import samples
from attnbench.quantise.simulated import Rounding, Simulation, is_rounded, ranges_of
from attnbench.records import TensorSpec

IMAGE = TensorSpec("float32", (1, 3, 16, 12))


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU6())
        self.second = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        return self.second(self.first(x)).flatten(1)


@pytest.fixture(scope="module")
def sample():
    return samples([IMAGE], None)[0]


@pytest.fixture(scope="module")
def program(sample):
    torch.manual_seed(3)
    return torch.export.export(Two().eval(), sample).module(check_guards=False)


def test_every_seed_gives_another_image_and_always_the_same_one():
    first, again = samples([IMAGE], None), samples([IMAGE], None)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, again, strict=True))
    assert len({float(one[0].max()) for one in first}) == len(first) == 16


def test_what_a_clamp_or_a_move_follows_is_not_rounded_before(program):
    kinds = [str(node.target).split(".")[1] for node in program.graph.nodes
             if node.op == "call_function" and is_rounded(node)]  # fmt: skip
    assert kinds == ["hardtanh", "conv2d"]


class Halves(nn.Module):
    def forward(self, x):
        top, bottom = x.split(8, dim=2)
        return torch.sigmoid(top) * bottom


def test_parts_of_a_value_are_not_rounded_again(sample):
    program = torch.export.export(Halves(), sample).module(check_guards=False)
    rounded = [one.name for one in program.graph.nodes if is_rounded(one)]
    assert rounded == ["x", "sigmoid", "mul"]


def test_what_a_runtime_returns_exactly_is_not_rounded(sample):
    program = torch.export.export(nn.Softmax(dim=1).eval(), sample).module(check_guards=False)
    rounding = Rounding("int8", ranges_of(program, [sample]))
    steps = Simulation(program, rounding).run(*sample)
    exact = Simulation(program, replace(rounding, exact=frozenset({"softmax"}))).run(*sample)
    assert len(steps.unique()) <= 256 < len(exact.unique())


def test_activations_take_at_most_256_values_over_the_range_that_was_seen():
    rounding = Rounding("int8", {"x": (-1.0, 3.0)})
    got = rounding.activation("x", torch.linspace(-9, 9, 10_000))
    step = 4 / 255
    assert len(got.unique()) == 256
    assert 0.0 in got
    assert float(got.min()) == pytest.approx(-1, abs=step)
    assert float(got.max()) == pytest.approx(3, abs=step)


def test_weights_take_at_most_255_values_in_each_output_channel():
    weight = torch.randn(4, 100, 5, 5, generator=torch.Generator().manual_seed(1))
    got = Rounding("int8", {}).weight(weight, 0)
    for before, after in zip(weight, got, strict=True):
        assert len(after.unique()) <= 255
        assert float((before - after).abs().max()) <= float(before.abs().max()) / 127 / 2 * 1.001


def test_one_module_alone_or_all_but_one_is_rounded(program):
    taken = samples([IMAGE], None)
    everything = Rounding("int8", ranges_of(program, taken))
    (x,) = taken[0]

    def distance(**changes: object) -> float:
        rounding = Rounding("int8", everything.ranges, **changes)
        with torch.inference_mode():
            return float((Simulation(program, rounding).run(x) - program(x)).abs().max())

    assert distance(only="head") == 0
    assert 0 < distance(only="second") < distance()
    assert 0 < distance(keep_float=("first",)) < distance()
