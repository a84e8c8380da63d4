"""What options make of the blocks, and of formulas that no reference output covers, in NumPy."""

import numpy as np
import pytest
import torch

from attnbench_models import ModelError, create_block
from attnbench_models.blocks.eca import nearest_kernel
from attnbench_models.blocks.lska import KERNELS
from tests.models.test_blocks import batch_norm, coord, hardswish, pointwise, sigmoid

CHANNELS, HEIGHT, WIDTH = 24, 6, 9


def mean(x):
    return x.mean((2, 3), keepdims=True)


def coord_x(s, x):
    f = hardswish(batch_norm(s, "bn1", pointwise(s, "conv1", x.mean(2))))
    return x * sigmoid(pointwise(s, "conv_w", f))[:, :, None, :]


def coord_y(s, x):
    f = hardswish(batch_norm(s, "bn1", pointwise(s, "conv1", x.mean(3))))
    return x * sigmoid(pointwise(s, "conv_h", f))[:, :, :, None]


def nam_spatial(s, x, name="norm"):
    part = {k: s[f"{name}.{k}"].reshape(HEIGHT, WIDTH) for k in ("weight", "bias")}
    seen, var = (s[f"{name}.running_{k}"].reshape(HEIGHT, WIDTH) for k in ("mean", "var"))
    share = np.abs(part["weight"]) / np.abs(part["weight"]).sum()
    pixels = (x - seen) / np.sqrt(var + 1e-5) * part["weight"] + part["bias"]
    return x * sigmoid(share * pixels)


def nam_both(s, x):
    gamma = np.abs(s["channel.norm.weight"])
    share = (gamma / gamma.sum())[:, None, None]
    x = x * sigmoid(share * batch_norm(s, "channel.norm", x))
    return nam_spatial(s, x, "spatial.norm")


def ge(s, x):
    return x * sigmoid(mean(x))


def ge_windows(s, x):
    """Extent 2: the mean over 3 x 3 pixels, those outside not counted, at every second pixel."""
    gathered = np.zeros_like(x)
    for i in range(HEIGHT):
        for j in range(WIDTH):
            y, z = i // 2 * 2, j * 5 // WIDTH * 2  # 3 x 5 windows, the nearest of them
            window = x[:, :, max(0, y - 1) : y + 2, max(0, z - 1) : z + 2]
            gathered[:, :, i, j] = window.mean((2, 3))
    return x * sigmoid(gathered)


def ge_theta(s, x):
    gathered = np.einsum("nchw,cihw->nc", x, s["gather.conv.weight"])[:, :, None, None]
    return x * sigmoid(batch_norm(s, "gather.norm", gathered))


def ge_plus(s, x):
    gathered = np.einsum("nchw,cihw->nc", x, s["gather.conv.weight"])[:, :, None, None]
    hidden = np.maximum(pointwise(s, "excite.0", batch_norm(s, "gather.norm", gathered)), 0)
    return x * sigmoid(pointwise(s, "excite.2", hidden))


def gc_add(s, x):
    scores = pointwise(s, "attend", x).reshape(len(x), -1)
    weights = np.exp(scores - scores.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    context = np.einsum("ncp,np->nc", x.reshape(*x.shape[:2], -1), weights)
    t = pointwise(s, "reduce", context)
    t = (t - t.mean(1, keepdims=True)) / np.sqrt(t.var(1, keepdims=True) + 1e-6)
    t = np.maximum(t * s["norm.weight"] + s["norm.bias"], 0)
    return x + pointwise(s, "expand", t)[:, :, None, None]


def bam_sum(s, x):
    c = np.maximum(batch_norm(s, "channel.norm", pointwise(s, "channel.reduce", mean(x))), 0)
    t = x
    for stage in ("reduce", "first", "second"):
        conv = pointwise if stage == "reduce" else dilated
        t = np.maximum(batch_norm(s, f"pixel.{stage}.norm", conv(s, f"pixel.{stage}.conv", t)), 0)
    return x * (1 + sigmoid(pointwise(s, "channel.expand", c) + pointwise(s, "pixel.score", t)))


def dilated(s, name, x, by=4):
    """A 3x3 convolution, dilated."""
    height, width = x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (by, by), (by, by)))
    y = sum(
        np.einsum(
            "oc,nchw->nohw",
            s[f"{name}.weight"][:, :, i, j],
            padded[:, :, i * by : i * by + height, j * by : j * by + width],
        )
        for i in range(3)
        for j in range(3)
    )
    return y + s[f"{name}.bias"][:, None, None]


def gam(s, x, gated=True):
    scores = pointwise(s, "expand", np.maximum(pointwise(s, "reduce", x), 0))
    u = x * (sigmoid(scores) if gated else scores)
    t = np.maximum(batch_norm(s, "near_norm", seven(s, "near", u)), 0)
    return u * sigmoid(batch_norm(s, "far_norm", seven(s, "far", t)))


def gam_copy(s, x):
    return gam(s, x, gated=False)


def seven(s, name, x):
    padded = np.pad(x, ((0, 0), (0, 0), (3, 3), (3, 3)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (7, 7), (2, 3))
    y = np.einsum("nchwij,ocij->nohw", windows, s[f"{name}.weight"], optimize=True)
    return y + s[f"{name}.bias"][:, None, None]


SIZE = {"size": (HEIGHT, WIDTH)}
CASES = {
    "coord-x": (coord_x, "coord-x", {}),
    "coord-y": (coord_y, "coord-y", {}),
    "nam-spatial": (nam_spatial, "nam-spatial", SIZE),
    "nam-both": (nam_both, "nam-both", SIZE),
    "ge": (ge, "ge", {}),
    "ge in windows": (ge_windows, "ge", {"extent": 2}),
    "ge theta": (ge_theta, "ge", {"form": "theta", **SIZE}),
    "ge theta plus": (ge_plus, "ge", {"form": "plus", **SIZE}),
    "gc that adds": (gc_add, "gc", {"fuse": "add"}),
    "bam that adds": (bam_sum, "bam", {"combine": "sum"}),
    "gam": (gam, "gam", {}),
    "gam as copied": (gam_copy, "gam", {"channel_gate": "none"}),
}


def randomised(block):
    rng = np.random.default_rng(0)
    state = {k: rng.standard_normal(v.shape) for k, v in block.state_dict().items() if v.dim()}
    state |= {k: v / np.sqrt(v[0].size) for k, v in state.items() if v.ndim > 1}
    state |= {k: v**2 + 0.5 for k, v in state.items() if k.endswith("running_var")}
    block.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, strict=False)
    return state


@pytest.mark.parametrize("case", CASES)
def test_block_is_its_formula(case):
    formula, name, options = CASES[case]
    block = create_block(name, CHANNELS, **options).eval().double()
    state = randomised(block)
    x = np.random.default_rng(1).standard_normal((2, CHANNELS, HEIGHT, WIDTH))
    with torch.inference_mode():
        y = block(torch.from_numpy(x)).numpy()
    expected = formula(state, x)
    assert np.abs(y - expected).max() < 1e-12 * max(1, np.abs(expected).max())


def test_both_directions_together_are_not_coordinate_attention():
    """coord shares conv1 and BN between the strips; each direction alone has its own."""
    both = create_block("coord", CHANNELS).eval().double()
    state = randomised(both)
    x = np.random.default_rng(1).standard_normal((1, CHANNELS, HEIGHT, WIDTH))
    alone = create_block("coord-x", CHANNELS).eval().double()
    own = {k: torch.from_numpy(v) for k, v in state.items() if not k.startswith("conv_h")}
    alone.load_state_dict(own, strict=False)
    rows = sigmoid(
        pointwise(
            state,
            "conv_h",
            hardswish(batch_norm(state, "bn1", pointwise(state, "conv1", x.mean(3)))),
        )
    )
    with torch.inference_mode():
        y = alone(torch.from_numpy(x)).numpy() * rows[:, :, :, None]
    assert np.abs(y - coord(state, x)).max() < 1e-12


def test_triplet_without_the_spatial_gate_is_the_mean_of_two():
    x = torch.randn(1, 5, 6, 7, dtype=torch.float64)
    three = create_block("triplet", 5).eval().double()
    two = create_block("triplet", 5, no_spatial=True).eval().double()
    two.load_state_dict({k: v for k, v in three.state_dict().items() if "pixels" not in k})
    pooled = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
    with torch.inference_mode():
        spatial = x * three.pixels(pooled).sigmoid()
        assert torch.allclose(3 * three(x), 2 * two(x) + spatial, rtol=0, atol=1e-12)
    assert sum(p.numel() for p in two.parameters()) == 200
    assert sum(p.numel() for p in create_block("triplet", 5, kernel=3).parameters()) == 60


@pytest.mark.parametrize(("channels", "kernel"), [(16, 3), (64, 3), (256, 5), (512, 5), (2048, 7)])
def test_eca_looks_further_where_there_are_more_channels(channels, kernel):
    assert nearest_kernel(channels) == kernel
    assert create_block("eca", channels).conv.kernel_size == (kernel,)


@pytest.mark.parametrize("kernel", KERNELS)
def test_lska_reaches_as_far_as_its_kernel_says(kernel):
    block = create_block("lska", 1, kernel=kernel).double()
    for conv in (block.near_h, block.near_v, block.far_h, block.far_v, block.mix):
        torch.nn.init.ones_(conv.weight)
        torch.nn.init.zeros_(conv.bias)
    dot = torch.zeros(1, 1, 99, 99, dtype=torch.float64)
    dot[0, 0, 49, 49] = 1
    reach = block.mix(block.far_v(block.far_h(block.near_v(block.near_h(dot)))))
    rows = reach[0, 0].abs().sum(1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == kernel


def test_sk_splits_unless_told():
    assert create_block("sk", 64).small.conv.in_channels == 32
    paper = create_block("sk", 64, split=False, groups=32, hidden=32)
    assert (paper.small.conv.in_channels, paper.small.conv.groups) == (64, 32)
    assert paper.reduce.out_channels == 32


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sk", {"groups": 5}, "groups must be a divisor of each kernel's input, 24 / 2 channels"),
        ("lska", {"kernel": 9}, "kernel must be one of 7, 11, 23, 35, 41, 53, not 9"),
        ("eca", {"kernel": 4}, "kernel must be odd, not 4"),
        ("triplet", {"kernel": 6}, "kernel must be odd, not 6"),
        ("ge", {"extent": 6}, "extent must be a power of two from 2 on, not 6"),
        ("ge", {"form": "theta"}, r"size must be \(height, width\) in pixels, not None"),
        ("gc", {"fuse": "mul"}, "fuse must be scale or add, not 'mul'"),
        ("bam", {"combine": "max"}, "combine must be product or sum, not 'max'"),
    ],
)
def test_what_an_option_cannot_be(name, options, message):
    with pytest.raises(ModelError, match=message):
        create_block(name, 24, **options)


def test_sk_needs_an_even_number_of_channels_to_split():
    with pytest.raises(ModelError, match="groups must be"):
        create_block("sk", 9)
