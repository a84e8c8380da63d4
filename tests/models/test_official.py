"""The authors' key names; whether the values compute the same is for test_golden."""

import pytest
import torch

from attnbench_models import ModelError, create_block, create_model, load_official

COORD = ("conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias", "bn1.running_mean")
BLOCKS = {
    "houqb/CoordAttention mbv2_ca.py": ("coord", {"conv_h": "conv2", "conv_w": "conv3"}),
    "moskomule/senet.pytorch": ("se", {"reduce": "fc.0", "expand": "fc.2"}),
    "Andrew-Qibin/ssdlite-pytorch-mobilenext": ("se", {"reduce": "conv.0", "expand": "conv.2"}),
    "Jongchan/attention-module": (
        "cbam",
        {
            "reduce": "ChannelGate.mlp.1",
            "expand": "ChannelGate.mlp.3",
            "conv": "SpatialGate.spatial.conv",
            "norm": "SpatialGate.spatial.bn",
        },
    ),
    "Christian-lyc/NAM Channel_Att": ("nam", {"norm": "bn2"}),
    "Christian-lyc/NAM Att": ("nam", {"norm": "Channel_Att.bn2"}),
}


def theirs(state, renames):
    return {
        ".".join([renames.get(key.split(".")[0], key.split(".")[0]), *key.split(".")[1:]]): value
        for key, value in state.items()
    }


def scrambled(module):
    return {k: torch.rand_like(v) if v.dim() else v for k, v in module.state_dict().items()}


@pytest.mark.parametrize("layout", BLOCKS)
def test_recognises_a_blocks_layout_by_its_keys(layout):
    name, renames = BLOCKS[layout]
    module = create_block(name, 32)
    state = scrambled(module)
    assert load_official(module, theirs(state, renames)) == layout
    assert all(torch.equal(state[key], value) for key, value in module.state_dict().items())


@pytest.mark.parametrize("block", ["none", "se", "cbam", "coord", "nam"])
def test_our_own_layout_passes_through(block):
    module = create_model("mobilenetv2", block, width=0.35, num_classes=5)
    state = scrambled(module)
    assert load_official(module, state) == "attnbench"
    assert all(torch.equal(state[key], value) for key, value in module.state_dict().items())


@pytest.mark.parametrize(
    ("block", "inner", "classifier", "layout"),
    [
        ("none", {}, "classifier", "d-li14/mobilenetv2.pytorch"),
        ("coord", {"conv_h": "conv2", "conv_w": "conv3"}, "classifier.1", "houqb/CoordAttention"),
        ("se", {"reduce": "conv.0", "expand": "conv.2"}, "classifier.1", "houqb/CoordAttention"),
    ],
)
def test_recognises_whole_models(block, inner, classifier, layout):
    module = create_model("mobilenetv2", block, width=0.35, num_classes=5)
    state = scrambled(module)
    renamed = whole_model(module, state, inner, classifier)
    assert load_official(module, renamed).startswith(layout)
    assert all(torch.equal(state[key], value) for key, value in module.state_dict().items())


def whole_model(module, state, inner, classifier):
    """Their names, written down again: the parts of a residual are one numbered sequence."""
    parts = {"conv": 0, "norm": 1}
    renamed = {}
    for key, value in state.items():
        head, *rest = key.split(".")
        if head == "stem":
            name = f"features.0.{parts[rest[0]]}.{rest[1]}"
        elif head == "head" and rest[0] == "mix":
            name = f"conv.{parts[rest[1]]}.{rest[2]}"
        elif head == "head":
            name = f"{classifier}.{rest[1]}"
        else:
            at = int(rest[0])
            name = f"features.{at + 1}.{residual(module.features[at], rest[1:], inner)}"
        renamed[name] = value
    return renamed


def residual(module, rest, inner):
    starts = {"expand": 0, "depthwise": 3, "attention": 6, "project": 6}
    starts["project"] += module.attention is not None
    at = starts[rest[0]] - (3 if module.expand is None else 0)
    if rest[0] == "attention":
        return ".".join([f"conv.{at}", inner.get(rest[1], rest[1]), *rest[2:]])
    return f"conv.{at + (rest[1] == 'norm')}.{rest[2]}"


def test_a_linear_layer_fills_a_pointwise_convolution():
    module = create_block("se", 32, bias=False)
    first, second = torch.rand(2, 32), torch.rand(32, 2)
    load_official(module, {"fc.0.weight": first, "fc.2.weight": second})
    assert torch.equal(module.reduce.weight[:, :, 0, 0], first)
    assert torch.equal(module.expand.weight[:, :, 0, 0], second)


def test_every_fault_is_in_one_error_and_nothing_is_loaded():
    module = create_block("coord", 64)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    state = theirs(scrambled(module), {"conv_h": "conv2", "conv_w": "conv3"})
    del state["conv1.bias"], state["bn1.running_var"]
    state |= {"conv4.weight": torch.ones(1), "conv2.weight": torch.ones(64, 9, 1, 1)}
    with pytest.raises(ModelError) as caught:
        load_official(module, state)
    assert str(caught.value) == (
        "the weights do not fit CoordinateAttention (layout houqb/CoordAttention mbv2_ca.py): "
        "missing: conv1.bias, bn1.running_var; unexpected: conv4.weight; "
        "wrong shape: conv2.weight (64, 9, 1, 1) is not (64, 8, 1, 1)"
    )
    assert caught.value.hint
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())


def test_the_other_form_of_se_does_not_load_by_half():
    with pytest.raises(ModelError, match=r"missing: fc\.0\.bias, fc\.2\.bias"):
        load_official(
            create_block("se", 32),
            {"fc.0.weight": torch.ones(2, 32), "fc.2.weight": torch.ones(32, 2)},
        )
    with pytest.raises(ModelError, match=r"unexpected: conv\.0\.bias"):
        load_official(
            create_block("se", 32, bias=False),
            {
                "conv.0.weight": torch.ones(2, 32, 1, 1),
                "conv.2.weight": torch.ones(32, 2, 1, 1),
                "conv.0.bias": torch.ones(2),
            },
        )


def test_only_batch_counters_may_be_absent():
    module = create_block("nam", 8)
    state = {k: v for k, v in scrambled(module).items() if "num_batches" not in k}
    load_official(module, state)
    assert torch.equal(module.norm.running_var, state["norm.running_var"])


def test_another_width_is_named_key_by_key():
    narrow = create_model("mobilenetv2", width=0.5, num_classes=5).state_dict()
    with pytest.raises(ModelError, match=r"wrong shape: stem\.conv\.weight \(16, 3, 3, 3\) is not"):
        load_official(create_model("mobilenetv2", num_classes=5), narrow)
