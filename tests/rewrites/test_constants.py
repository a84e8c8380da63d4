"""What is folded into the file: grids and anchors, and nothing that is written into."""

import torch
from torch import nn

from attnbench.pipeline.reference import trace
from attnbench.rewrites import rewrite
from attnbench.rewrites.base import calls
from attnbench.rewrites.constants import FOLD_BATCHNORM, FOLD_CONSTANTS
from tests.rewrites.cases import example

aten = torch.ops.aten
X = torch.randn(1, 3, 4, 6)


def folded(module):
    program = trace(module.eval(), (X,)).module(check_guards=False)
    after, applied = rewrite(program, (X,), [FOLD_CONSTANTS])
    with torch.inference_mode():
        assert torch.equal(after(X), module(X))
    return after, [path for one in applied for path in one.paths]


class Grid(nn.Module):
    """A grid of pixels, as detectors make it."""

    def forward(self, x):
        rows, columns = torch.meshgrid(
            torch.arange(x.shape[2]), torch.arange(x.shape[3]), indexing="ij"
        )
        return x + rows * 8.0 + columns


class Anchors(nn.Module):
    """Weights that are taken apart."""

    def __init__(self):
        super().__init__()
        self.register_buffer("sizes", torch.rand(3, 1, 1))

    def forward(self, x):
        first, second, third = self.sizes.unbind(0)
        return x * first + second * third


class Written(nn.Module):
    """Zeros into which the input is written."""

    def forward(self, x):
        y = torch.zeros(1, 3, 4, 8)
        y[..., :6] = x
        return y.sum(3)


class Random(nn.Module):
    """Another tensor at every inference."""

    def forward(self, x):
        return torch.rand(3, 1, 1) * 0 + x


def test_a_grid_becomes_a_constant():
    after, paths = folded(Grid())
    assert paths == [""]
    left = [node for node in after.graph.nodes if node.op == "call_function"]
    assert [node.target for node in left] == [aten.add.Tensor] * 2


def test_parts_of_weights_become_constants():
    after, _ = folded(Anchors())
    targets = {node.target for node in after.graph.nodes if node.op == "call_function"}
    assert targets == {aten.mul.Tensor, aten.add.Tensor}


def test_what_is_written_into_stays():
    after, paths = folded(Written())
    assert paths == []
    assert list(calls(after, aten.zeros.default))


def test_random_numbers_stay_random():
    after, _ = folded(Random())
    assert list(calls(after, aten.rand.default))


class Tied(nn.Module):
    """One weight under two names, behind a BatchNorm that is folded."""

    def __init__(self):
        super().__init__()
        self.before = nn.Conv2d(4, 4, 1)
        self.norm = nn.BatchNorm2d(4)
        self.one = nn.Conv2d(4, 4, 1)
        self.other = nn.Conv2d(4, 4, 1)
        self.other.weight = self.one.weight

    def forward(self, x):
        x = self.norm(self.before(x))
        return self.other(self.one(x))


def test_tensors_that_nothing_reads_are_dropped():
    module = Tied().eval()
    program = trace(module, example()).module(check_guards=False)
    changed, _ = rewrite(program, example(), [FOLD_BATCHNORM])
    read = {node.target for node in changed.graph.find_nodes(op="get_attr")}
    assert {*changed.state_dict()} == read
    assert "norm.running_var" in program.state_dict()
    with torch.inference_mode():
        assert torch.allclose(changed(*example()), module(*example()), atol=1e-6)
