"""Costs add up, and belong to the deepest listed path."""

import torch
from torch import nn

from attnbench_models import count, create_block, create_model


def test_rows_add_up_to_the_total():
    model = create_model("mobilenetv2", "coord", num_classes=10)
    *rows, total = count(model, torch.zeros(1, 3, 64, 48))
    assert total.kind == "total"
    assert sum(row.parameters for row in rows) == total.parameters
    assert sum(row.macs for row in rows) == total.macs
    assert total.parameters == sum(p.numel() for p in model.parameters())


def test_attention_is_counted_apart_from_its_residual():
    x = torch.zeros(1, 3, 32, 32)
    rows = {row.path: row for row in count(create_model("mobilenetv2", "se"), x)}
    attention, around = rows["features.1.attention"], rows["features.1"]
    assert (attention.kind, around.kind) == ("attention", "backbone")
    assert (attention.parameters, attention.macs) == (2 * 96 * 4 + 4 + 96, 2 * 96 * 4)
    plain = {row.path: row for row in count(create_model("mobilenetv2"), x)}
    assert plain["features.1"] == around


def test_macs_are_of_convolutions_and_matrix_products():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(4, 8, 3, groups=2)
            self.norm = nn.BatchNorm2d(8)
            self.linear = nn.Linear(5, 7)

        def forward(self, x):
            y = self.linear(self.norm(self.conv(x)))  # (1, 8, 5, 7)
            return (y @ y.transpose(2, 3)).relu()

    rows = {row.path: row.macs for row in count(Mixed(), torch.zeros(1, 4, 7, 7))}
    conv, linear, product = 8 * 2 * 9 * 25, 8 * 5 * 5 * 7, 8 * 5 * 7 * 5
    assert rows == {"conv": conv, "norm": 0, "linear": linear, "": conv + linear + product}


def test_counting_changes_nothing():
    block = create_block("coord", 16)
    block.bn1.eval()
    before = {key: value.clone() for key, value in block.state_dict().items()}
    first, second = (count(block, torch.ones(1, 16, 4, 5)) for _ in range(2))
    assert first == second
    assert [m.training for m in (block, block.conv1, block.bn1)] == [True, True, False]
    assert all(torch.equal(before[k], v) for k, v in block.state_dict().items())
