"""The paths of models that are not ours."""

from torch import nn

from attnbench_models import block_paths, create_block, create_model


class Theirs(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.stages = nn.Sequential(
            nn.Sequential(nn.Conv2d(8, 8, 1), nn.Sequential(create_block("se", 16), nn.ReLU())),
            nn.ModuleDict({"body": nn.Identity(), "attn": nn.Sequential(nn.Conv2d(8, 8, 1))}),
        )
        self.gate = create_block("coord", 8)


def test_two_levels_and_attention_at_any_depth():
    assert block_paths(Theirs()) == (
        ("stem", "backbone"),
        ("stages", "backbone"),
        ("stages.0", "backbone"),
        ("stages.0.1.0", "attention"),
        ("stages.1", "backbone"),
        ("gate", "attention"),
    )


def test_globs_add_attention_and_end_the_descent():
    paths = dict(block_paths(Theirs(), ["stages.*.attn"]))
    assert paths["stages.1.attn"] == "attention"
    assert "stages.1.body" not in paths
    assert list(paths).index("stages.1.attn") == list(paths).index("stages.1") + 1
    assert dict(block_paths(Theirs(), ["stem"]))["stem"] == "attention"


def test_globs_work_in_our_backbones_too():
    model = create_model("mobilenetv2", num_classes=2)
    paths = block_paths(model, ["features.3.depthwise"])
    assert ("features.3.depthwise", "attention") in paths
    assert len(paths) == len(block_paths(model)) + 1


def test_a_block_alone_is_told_by_its_parts():
    assert block_paths(create_block("nam", 8)) == (("norm", "attention"),)
    assert [path for path, _ in block_paths(create_block("se", 8))] == [
        "reduce",
        "activation",
        "expand",
        "gate",
    ]
