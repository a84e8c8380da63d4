"""Models that cannot be a reference say so, each in its own words; odd ones that can, can."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from attnbench.errors import BadModel, ExportError
from attnbench.pipeline.parity import ask
from attnbench.pipeline.reference import example_for, graph_identity, module_for
from attnbench.records import TensorSpec
from attnbench_models import Recipe

HERE = "tests.pipeline.test_soundness"


class Net(nn.Module):
    """Small, and looks trained."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2)
        self.norm = nn.BatchNorm2d(8)
        self.norm.num_batches_tracked.fill_(100)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.conv(x)).relu().mean((2, 3)))


def nan_weight() -> nn.Module:
    net = Net()
    net.conv.weight.data[0, 0, 0, 0] = float("nan")
    return net


def infinite_statistics() -> nn.Module:
    net = Net()
    net.norm.running_var.fill_(float("inf"))
    return net


def half_a_head() -> nn.Module:
    net = Net()
    net.head.half()
    return net


def of_one_half() -> nn.Module:
    net = Net()
    net.eps = nn.Buffer(torch.ones(1, dtype=torch.float16))
    return net


class Root(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x - 100).sqrt()


def nan_inside() -> nn.Module:
    return nn.Sequential(Net(), Root(), nn.Linear(5, 2))


class Dropping(Net):
    def forward(self, x: Tensor) -> Tensor:
        return dropout(super().forward(x), 0.5, training=True)


class Noisy(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + torch.randn(5)


class AlwaysTraining(Net):
    def train(self, mode: bool = True) -> nn.Module:
        return super().train(True)


class Zero(Net):
    def forward(self, x: Tensor) -> Tensor:
        return 0 * super().forward(x)


class Telling(Net):
    def forward(self, x: Tensor) -> tuple[Tensor, str]:
        return super().forward(x), "cat"


class Silent(Net):
    def forward(self, x: Tensor) -> None:
        super().forward(x)


class TwoArguments(Net):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return super().forward(x) + super().forward(2 * y)


class Branching(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if x.mean() > 0 else -x)


class Growing(Net):
    """Infinite only far from what it was tried on."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + (1e3 * (x.amax((1, 2, 3)) - 7).relu()).exp()[:, None]


def asked(name: str):
    recipe = Recipe(model=f"{HERE}:{name}", size=(24, 32))
    graph_identity(recipe)
    module = module_for(recipe)
    specs = tuple(TensorSpec("float32", tuple(x.shape)) for x in example_for(recipe, module))
    return ask(module, SimpleNamespace(inputs=specs, border=None, recipe=recipe))


@pytest.mark.parametrize(
    ("name", "says", "hint"),
    [
        ("nan_weight", "conv.weight of the model is NaN or infinite in 1 of 216", "checkpoint"),
        ("infinite_statistics", "norm.running_var of the model is NaN or infinite in 8 of 8", ""),
        ("half_a_head", "must have the same dtype", "float32"),
        ("of_one_half", "eps of the model is float16", ".float()"),
        ("nan_inside", "is NaN or infinite on its example input", "it begins in 1"),
        ("Growing", "is NaN or infinite on the input saturating", "it begins in Growing"),
        ("Dropping", "another result each time", "dropout"),
        ("Noisy", "another result each time", "random numbers"),
        ("AlwaysTraining", "stays in training mode after eval", "train"),
        ("Zero", "the same for every input", "zero"),
        ("Telling", "returns str, and only tensors", "tuples"),
        ("Silent", "returns NoneType, and only tensors", "tuples"),
        ("TwoArguments", "missing 1 required", "example_inputs"),
    ],
)
def test_what_is_no_reference_is_refused(name, says, hint):
    with pytest.raises(BadModel, match=says) as caught:
        asked(name)
    assert hint in caught.value.hint


def test_torchs_own_refusal_is_one_error_and_no_listing(capfd):
    with pytest.raises(ExportError, match="cannot trace the model"):
        asked("Branching")
    assert capfd.readouterr() == ("", "")


class Twice(Net):
    """One layer in two places, and one tensor in two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(8, 8, 1)
        self.again = self.mix
        self.tied = nn.Conv2d(8, 8, 1)
        self.tied.weight = self.mix.weight

    def forward(self, x: Tensor) -> dict[str, object]:
        y = self.tied(self.again(self.mix(self.conv(x))))
        pooled = y.mean((2, 3))
        return {"maps": [y, -y], "logits": self.head(pooled)}


def test_shared_weights_and_nested_results_will_do():
    question = asked("Twice")
    assert question.expected[0].names == ("maps.0", "maps.1", "logits")
