"""
What every fusion must do, besides what every block must. Subclass and name it, done.

    class TestMine(FusionContract):
        block = "mine"
"""

import pytest
import torch

from attnbench_models import count
from tests.conformance.block import SHAPES, BlockContract, stated_cost


class FusionContract(BlockContract):
    gain = 1  # what becomes of x where the residual is x as well

    def pair(self, shape, dtype=torch.float32):
        return torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype)

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_keeps_shape_and_dtype(self, shape, dtype):
        fusion = self.make(shape[1]).to(dtype)
        for mode in (True, False):
            batch = max(2, shape[0]) if mode else shape[0]
            y = fusion.train(mode)(*self.pair((batch, *shape[1:]), dtype))
            assert (y.shape, y.dtype) == ((batch, *shape[1:]), dtype)

    def test_trains_on_one_image_or_says_that_it_cannot(self):
        fusion = self.make(16).train()
        assert "In training N is at least 2" in type(fusion).__doc__
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            fusion(*self.pair((1, 16, 6, 5)))

    @pytest.mark.parametrize("shape", SHAPES)
    def test_is_a_gate(self, shape):
        """Every element lies between the two that it is made of, but for the gain."""
        fusion, (x, residual) = self.make(shape[1]).eval(), self.pair(shape)
        with torch.inference_mode():
            y, same = fusion(x, residual) / self.gain, fusion(x, x) / self.gain
        assert (y >= torch.minimum(x, residual) - 1e-6).all()
        assert (y <= torch.maximum(x, residual) + 1e-6).all()
        assert torch.allclose(same, x, rtol=0, atol=1e-6)

    def test_evaluation_repeats_itself_and_changes_nothing(self):
        fusion, (x, residual) = self.make(64).eval(), self.pair((2, 64, 14, 9))
        before = {key: value.clone() for key, value in fusion.state_dict().items()}
        with torch.inference_mode():
            y = fusion(x, residual)
            assert torch.equal(fusion(x, residual), y)
            pairs = zip(x.split(1), residual.split(1), strict=True)
            alone = torch.cat([fusion(*pair) for pair in pairs])
        assert torch.allclose(y, alone, rtol=0, atol=1e-6 * y.abs().max().item())
        assert all(torch.equal(before[key], value) for key, value in fusion.state_dict().items())

    @pytest.mark.parametrize("channels", [16, 64, 320, 960])
    def test_the_cost_line_of_the_docstring_is_true(self, channels):
        fusion, (height, width) = self.make(channels), (14, 9)
        names = {**self.options(), "C": channels, "H": height, "W": width}
        total = count(fusion, *self.pair((1, channels, height, width)))[-1]
        assert (total.parameters, total.macs) == stated_cost(type(fusion).__doc__, names)

    def test_every_parameter_has_a_finite_gradient(self):
        fusion, pair = self.make(32), self.pair((2, 32, 6, 5))
        for x in pair:
            x.requires_grad_()
        fusion(*pair).square().sum().backward()
        for tensor in (*pair, *fusion.parameters()):
            assert tensor.grad is not None
            assert tensor.grad.isfinite().all()
            assert tensor.grad.abs().max() > 0

    def test_exports_with_static_shapes(self):
        fusion, pair = self.make(32).eval(), self.pair((1, 32, 6, 5))
        program = torch.export.export(fusion, pair)
        with torch.inference_mode():
            assert torch.equal(program.module()(*pair), fusion(*pair))
