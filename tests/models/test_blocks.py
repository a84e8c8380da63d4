"""The conformance of our blocks, and each of them worked out again in NumPy."""

import numpy as np
import pytest
import torch

from attnbench_models import ModelError, create_block
from attnbench_models.blocks import BLOCKS
from tests.conformance.block import BlockContract


class TestNone(BlockContract):
    block = "none"


class TestSE(BlockContract):
    block = "se"


class TestCBAM(BlockContract):
    block = "cbam"


class TestCoord(BlockContract):
    block = "coord"


class TestNAM(BlockContract):
    block = "nam"


class TestSpatialNAM(BlockContract):
    block = "nam-spatial"


class TestBothNAM(BlockContract):
    block = "nam-both"


class TestCoordX(BlockContract):
    block = "coord-x"


class TestCoordY(BlockContract):
    block = "coord-y"


class TestBAM(BlockContract):
    block = "bam"
    gate = (1, 2)
    trains_alone = False


class TestTriplet(BlockContract):
    block = "triplet"


class TestMSCAM(BlockContract):
    block = "ms-cam"
    trains_alone = False


class TestECA(BlockContract):
    block = "eca"


class TestGE(BlockContract):
    block = "ge"


class TestGC(BlockContract):
    block = "gc"


class TestSK(BlockContract):
    block = "sk"
    gate = None  # it returns convolutions of x
    trains_alone = False


class TestNL(BlockContract):
    block = "nl"
    gate = None  # it adds


class TestLSKA(BlockContract):
    block = "lska"
    gate = None  # no sigmoid


class TestCPCA(BlockContract):
    block = "cpca"
    gate = None  # it returns a convolution


class TestGAM(BlockContract):
    block = "gam"


class TestSea(BlockContract):
    block = "sea"
    gate = None  # it adds


def test_every_registered_block_is_held_to_the_contract():
    tested = {cls.block for cls in BlockContract.__subclasses__() if cls.__module__ == __name__}
    assert tested == {name for name, entry in BLOCKS.items() if entry.kind != "fusion"}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def hardswish(z):
    return z * np.clip(z + 3, 0, 6) / 6


def pointwise(s, name, x):
    """A 1x1 convolution: x (N, C, ...) -> (N, O, ...)."""
    y = np.einsum("oc,nc...->no...", s[f"{name}.weight"][:, :, 0, 0], x)
    bias = s.get(f"{name}.bias", np.zeros(1))
    return y + bias.reshape(1, -1, *[1] * (x.ndim - 2))


def batch_norm(s, name, x):
    shape = (1, -1, *[1] * (x.ndim - 2))
    part = {k: s[f"{name}.{k}"].reshape(shape) for k in ("weight", "bias")}
    mean, var = (s[f"{name}.running_{k}"].reshape(shape) for k in ("mean", "var"))
    return (x - mean) / np.sqrt(var + 1e-5) * part["weight"] + part["bias"]


def none(s, x):
    return x


def relu(z):
    return np.maximum(z, 0)


def se(s, x, act=relu, gate=sigmoid):
    hidden = act(pointwise(s, "reduce", x.mean((2, 3))))
    return x * gate(pointwise(s, "expand", hidden))[:, :, None, None]


def se_relu6(s, x):
    return se(s, x, act=lambda z: np.clip(z, 0, 6))


def se_silu(s, x):
    return se(s, x, act=lambda z: z * sigmoid(z))


def se_hard(s, x):
    return se(s, x, gate=lambda z: np.clip(z + 3, 0, 6) / 6)


def cbam(s, x):
    def mlp(v):
        return pointwise(s, "expand", np.maximum(pointwise(s, "reduce", v), 0))

    x = x * sigmoid(mlp(x.mean((2, 3))) + mlp(x.max((2, 3))))[:, :, None, None]
    pooled = np.pad(np.stack([x.max(1), x.mean(1)], 1), ((0, 0), (0, 0), (3, 3), (3, 3)))
    windows = np.lib.stride_tricks.sliding_window_view(pooled, (7, 7), (2, 3))
    z = np.einsum("nchwij,ocij->nohw", windows, s["conv.weight"])
    return x * sigmoid(batch_norm(s, "norm", z))


def coord(s, x):
    def f(strip):
        return hardswish(batch_norm(s, "bn1", pointwise(s, "conv1", strip)))

    rows = sigmoid(pointwise(s, "conv_h", f(x.mean(3))))  # (N, C, H)
    columns = sigmoid(pointwise(s, "conv_w", f(x.mean(2))))  # (N, C, W)
    return x * rows[:, :, :, None] * columns[:, :, None, :]


def nam(s, x):
    gamma = np.abs(s["norm.weight"])
    return x * sigmoid((gamma / gamma.sum())[:, None, None] * batch_norm(s, "norm", x))


CASES = {
    "none": (none, "none", {}),
    "se": (se, "se", {}),
    "se without bias": (se, "se", {"bias": False}),
    "se of 5, relu6": (se_relu6, "se", {"hidden": 5, "activation": "relu6"}),
    "se, silu": (se_silu, "se", {"activation": "silu"}),
    "se, hard sigmoid": (se_hard, "se", {"gate": "hard-sigmoid"}),
    "cbam": (cbam, "cbam", {}),
    "cbam of 4": (cbam, "cbam", {"reduction": 4}),
    "coord": (coord, "coord", {}),
    "coord of 24": (coord, "coord", {"reduction": 2}),
    "nam": (nam, "nam", {}),
}


@pytest.mark.parametrize("case", CASES)
def test_block_is_its_formula(case):
    formula, name, options = CASES[case]
    rng = np.random.default_rng(0)
    block = create_block(name, 48, **options).eval().double()
    state = {k: rng.standard_normal(v.shape) for k, v in block.state_dict().items() if v.dim()}
    state |= {k: v**2 + 0.5 for k, v in state.items() if k.endswith("running_var")}
    block.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, strict=False)
    x = 3 * rng.standard_normal((2, 48, 7, 10))
    with torch.inference_mode():
        y = block(torch.from_numpy(x)).numpy()
    assert np.abs(y - formula(state, x)).max() < 1e-12 * np.abs(x).max()


def test_nam_weighs_by_the_magnitude_of_gamma_and_learns_through_it():
    block, x = create_block("nam", 4).eval(), torch.randn(1, 4, 3, 5)
    plain = block(x)
    with torch.no_grad():
        block.norm.weight.mul_(3)  # shares are unchanged, the normalised value is not
    assert not torch.equal(block(x), plain)
    share = block.norm.weight.abs() / block.norm.weight.abs().sum()
    assert torch.equal(share, torch.full((4,), 0.25))
    block(x).sum().backward()
    through_value_only = torch.autograd.grad(
        (x * (share.detach().view(1, -1, 1, 1) * block.norm(x)).sigmoid()).sum(), block.norm.weight
    )[0]
    assert not torch.allclose(block.norm.weight.grad, through_value_only)


def test_se_width_is_the_reduction_or_what_is_said():
    assert create_block("se", 64).reduce.out_channels == 4
    assert create_block("se", 8).reduce.out_channels == 1
    assert create_block("se", 64, hidden=10, reduction=2).reduce.out_channels == 10


def test_a_hidden_width_is_a_whole_number():
    with pytest.raises(ModelError, match="hidden must be a whole number from 1 on, not 0"):
        create_block("se", 64, hidden=0)
