"""
What every attention block must do. Subclass and name it, done; a class of your own will do too.

    class TestMine(BlockContract):
        block = MyAttention
"""

import inspect
import math
import re

import pytest
import torch

from attnbench_models import ModelError, count, create_block
from attnbench_models.backbones.layers import rounded
from attnbench_models.blocks import BLOCKS

SHAPES = [(2, 64, 14, 9), (1, 48, 5, 12), (1, 16, 7, 7)]


class BlockContract:
    block = None
    gate = (0, 1)  # what x is multiplied by; None where that is unbounded, or x is added to
    trains_alone = True  # False where a BatchNorm sees one value per channel and image

    @pytest.fixture(autouse=True)
    def _seed(self):
        torch.manual_seed(0)

    def make(self, channels, size=(14, 9), **options):
        if self.block in BLOCKS and BLOCKS[self.block].sized:
            options = {"size": size, **options}
        return create_block(self.block, channels, **options)

    def options(self):
        parameters = inspect.signature(type(self.make(64))).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    def users_options(self):
        """Those that a user sets: `size` is the model's business."""
        return {name: default for name, default in self.options().items() if name != "size"}

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_keeps_shape_and_dtype(self, shape, dtype):
        block = self.make(shape[1], size=shape[2:]).to(dtype)
        for mode in (True, False):
            batch = shape[0] if self.trains_alone or not mode else max(2, shape[0])
            x = torch.randn(batch, *shape[1:], dtype=dtype)
            y = block.train(mode)(x)
            assert (y.shape, y.dtype) == (x.shape, dtype)

    def test_trains_on_one_image_or_says_that_it_cannot(self):
        block, x = self.make(16, size=(6, 5)).train(), torch.randn(1, 16, 6, 5)
        if self.trains_alone:
            assert block(x).isfinite().all()
        else:
            assert "In training N is at least 2" in type(block).__doc__
            with pytest.raises(ValueError, match="more than 1 value per channel"):
                block(x)

    @pytest.mark.parametrize("shape", SHAPES)
    def test_is_a_gate(self, shape):
        if self.gate is None:
            pytest.skip(f"{self.block} multiplies by no number between bounds")
        block, x = self.make(shape[1], size=shape[2:]).eval(), torch.randn(shape)
        with torch.inference_mode():
            y = block(x)
        least, most = self.gate
        assert (y.abs() <= most * x.abs()).all()
        assert (y.abs() >= least * x.abs()).all()
        assert (y * x >= 0).all()

    def test_evaluation_repeats_itself_and_changes_nothing(self):
        block, x = self.make(64).eval(), torch.randn(2, 64, 14, 9)
        before = {key: value.clone() for key, value in block.state_dict().items()}
        with torch.inference_mode():
            assert torch.equal(block(x), block(x))
            alone = torch.cat([block(one) for one in x.split(1)])
            assert torch.allclose(block(x), alone, rtol=0, atol=1e-6)
        assert all(torch.equal(before[key], value) for key, value in block.state_dict().items())

    @pytest.mark.parametrize("channels", [16, 64, 320, 960])
    def test_the_cost_line_of_the_docstring_is_true(self, channels):
        block, (height, width) = self.make(channels), (14, 9)
        names = {**self.options(), "C": channels, "H": height, "W": width}
        parameters, macs = stated_cost(type(block).__doc__, names)
        total = count(block.eval(), torch.zeros(1, channels, height, width))[-1]
        assert (total.parameters, total.macs) == (parameters, macs)
        assert total.parameters == sum(p.numel() for p in block.parameters())

    def test_every_parameter_has_a_finite_gradient(self):
        torch.manual_seed(0)  # of two hidden channels, both can be dead by chance
        block = self.make(32, size=(6, 5)).eval()  # in training a norm takes away what a bias adds
        x = torch.randn(2, 32, 6, 5, requires_grad=True)
        block(x).square().sum().backward()
        for tensor in (x, *block.parameters()):
            assert tensor.grad is not None
            assert tensor.grad.isfinite().all()
        assert all(p.grad.abs().max() > 0 for p in block.parameters())

    def test_exports_with_static_shapes(self):
        block, x = self.make(32, size=(6, 5)).eval(), torch.randn(1, 32, 6, 5)
        program = torch.export.export(block, (x,))
        with torch.inference_mode():
            assert torch.equal(program.module()(x), block(x))

    def test_refuses_options_that_it_does_not_have(self):
        with pytest.raises(ModelError, match="no option nonsense") as caught:
            self.make(64, nonsense=1)
        assert all(name in caught.value.hint for name in self.options())

    def test_refuses_values_that_make_no_sense(self):
        for name, default in self.users_options().items():
            if not isinstance(default, bool):
                for value in (0, -1, 0.5, "nonsense", True):
                    with pytest.raises(ModelError, match=f"{name} must be"):
                        self.make(64, **{name: value})

    def test_says_what_it_is(self):
        lines = type(self.make(64)).__doc__.splitlines()
        headings = [line.split()[0] for line in lines if re.match(r"    [A-Z][a-z]+  ", line)]
        assert headings == ["Shape", "Math", "Cost", "Source", "Export"]


def stated_cost(doc, names):
    """Work out "Cost  ... parameters and ... multiply-accumulates[, with M = ...]."."""
    text = " ".join(doc.split())
    found = re.search(
        r"Cost (.+?) parameters and (.+?) multiply-accumulates(?:, with M = (.+?\))\.|[ .,])", text
    )
    parameters, macs, hidden = (formula and evaluable(formula) for formula in found.groups())
    scope = {**names, "max": max, "log2": math.log2, "rounded": rounded}
    if hidden:
        scope["M"] = eval(hidden, scope)
    return eval(parameters, scope), eval(macs, scope)


def evaluable(formula):
    """Written multiplication, 2 C M (H + W), as Python's."""
    return re.sub(r"(?<=[\w)]) (?=[\w(])", " * ", formula)
