"""Bytes that a graph has to move, and to keep, counted by hand on small modules."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attnbench.pipeline.footprint import Moved
from attnbench.pipeline.reference import trace
from attnbench.records import Block

MAP = 4 * 8 * 8 * 4
"""Bytes of (1, 4, 8, 8) in float32."""


class Gate(nn.Module):
    """A gate per channel; its pool, its product of (1, 4) and (4, 4), and itself by the map."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(4, 4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.mix(x.mean((2, 3))).sigmoid()
        return x * gate.view(1, 4, 1, 1)


class Model(nn.Module):
    """A convolution with what is fused to it, and a gate behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.ReLU(inplace=True)
        self.gate = Gate()

    def forward(self, x: Tensor) -> Tensor:
        return self.gate(self.act(self.norm(self.conv(x))))


BLOCKS = [Block("gate", "attention")]


def moved(module: nn.Module, precision: str = "fp32") -> Moved:
    program = trace(module.eval(), (torch.zeros(1, 4, 8, 8),))
    return Moved.of(program, BLOCKS, precision)


def test_what_is_fused_moves_nothing():
    found = moved(Model())
    conv = MAP + 4 * 4 * 4 + MAP
    pool, mix, product = MAP + 16, 16 + 4 * 4 * 4 + 16, MAP + 16 + MAP
    assert found.traffic == {"": conv, "gate": pool + mix + product}


def test_the_most_that_lives_at_once():
    found = moved(Model())
    assert found.most == 2 * MAP  # the convolution's input and output
    assert found.peak["gate"] == MAP + 32  # around the linear layer; the product is in place


def test_bytes_follow_the_precision():
    single, half = moved(Model()), moved(Model(), "fp16")
    assert half.traffic["gate"] * 2 == single.traffic["gate"]
    assert half.most * 2 == single.most


def test_a_tensor_that_is_read_again_is_kept_and_not_overwritten():
    class Residual(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x.mean(1, keepdim=True)  # a quarter of the map
            return x.relu() + y.expand(1, 4, 8, 8) + x

    found = moved(Residual())
    relu, first, second = 2 * MAP, 2 * MAP + MAP // 4, 3 * MAP
    assert found.traffic[""] == MAP + MAP // 4 + relu + first + second
    assert found.most == 2 * MAP + MAP // 4
