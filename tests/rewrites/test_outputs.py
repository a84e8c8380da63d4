"""Results of several tensors: their order, their names, and one tuple for converters."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from attnbench.pipeline.reference import trace
from attnbench.rewrites.base import flattened, named_outputs, output_names, outputs_of

X = torch.randn(1, 3, 5, 4)


class Pair(NamedTuple):
    zebra: Tensor
    apple: Tensor


RESULTS = {
    "one": (lambda a, b: a, [""], ()),
    "tuple": (lambda a, b: (a, b), ["0", "1"], ()),
    "list": (lambda a, b: [a, (b, a * 2)], ["0", "1.0", "1.1"], ()),
    "named tuple": (Pair, ["zebra", "apple"], ("zebra", "apple")),
    "dict": (lambda a, b: {"out": b, "aux": a}, ["out", "aux"], ("out", "aux")),
    "nested": (lambda a, b: {"p": Pair(a, b), "q": a + b}, ["p.zebra", "p.apple", "q"], ()),
    "alone in a dict": (lambda a, b: {"out": a * b}, ["out"], ("out",)),
}


class Returns(nn.Module):
    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, x):
        return self.make(x * 2, x.sigmoid())


@pytest.mark.parametrize("kind", RESULTS)
def test_outputs_keep_their_order_and_names(kind):
    make, places, names = RESULTS[kind]
    module = Returns(make).eval()
    wanted = outputs_of(module(X))
    assert list(named_outputs(module(X))) == places
    program = trace(module, (X,)).module(check_guards=False)
    assert output_names(program) == names
    plain = flattened(program)(X)
    assert isinstance(plain, Tensor if kind == "one" else tuple)
    got = outputs_of(plain)
    assert len(got) == len(wanted)
    assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))
    assert list(named_outputs(program(X))) == places, "the program itself is left as it was"
