"""What the gate would have missed: blocks that fade, and weights that do not matter."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from attnbench.parity.limits import limits_for
from attnbench.pipeline.faults import attention, doubled, faded, flat, gates, run
from attnbench.pipeline.parity import Questions, ask
from attnbench.pipeline.power import STEP, Gate, blocks_of, power, unseen, with_power
from attnbench.pipeline.reference import example_for, module_for
from attnbench.records import Artifact, BlockPower, Case, Delegation, Power, TensorSpec, Verdict
from attnbench.report import power as words
from attnbench.report.view import Judged
from attnbench_models import Recipe
from tests.slices import ATTENTION, SIZE

FP32 = limits_for("onnx", "fp32")
COARSE = replace(FP32, floor=4e-2, ceiling_db=24.0)
"""Limits between those of 16 bits and of 8, at which NAM's attention is lost."""


def artifact(recipe: Recipe) -> Artifact:
    """A file of somebody else's: no blocks of its own, and never opened here."""
    example = example_for(recipe, module_for(recipe))
    specs = tuple(TensorSpec("float32", tuple(one.shape)) for one in example)
    return Artifact(
        "", "onnx", "", 0, recipe, recipe.key, None, specs, (), {}, (), (), (), Delegation(0, 0)
    )


def gate(model: str, limits=None, *, precision: str = "fp32") -> Gate:
    made = artifact(Recipe(model=model, size=SIZE, precision=precision))
    module = module_for(made.recipe)
    question = ask(module, made)
    return Gate(module, made, question, limits or question.limits(made))


@pytest.fixture(scope="module")
def coord():
    one = gate("tests.slices:coord")
    return one, power(one, blocks_of(one))


def test_every_block_of_a_slice_is_missed_at_the_limits_of_float32(coord):
    one, found = coord
    assert tuple(block.path for block in found.blocks) == ATTENTION
    assert all(0 < block.detectable < 0.01 for block in found.blocks)
    assert found.kept == ()
    assert {case.input for case in found.blocks[0].removed} == set(one.question.inputs)


def test_the_detectable_share_fails_the_gate_and_the_next_smaller_one_does_not(coord):
    one, found = coord
    for block in found.blocks:
        part = one.module.get_submodule(block.path)
        assert one.sees(partial(faded, part, block.detectable))
        assert not one.sees(partial(faded, part, block.detectable / STEP))


def test_the_reference_is_left_as_it_was(coord):
    one, _ = coord
    for expected in one.question.expected:
        assert np.array_equal(run(one.module, one.question.inputs[expected.name])[0],
                              expected.single[0])  # fmt: skip


def test_nam_without_its_attention_passes_where_limits_are_coarse():
    one = gate("tests.slices:nam", COARSE)
    found = power(one, blocks_of(one))
    spots = {spot.path: spot for spot in found.blind_spots if spot.fault == "flattened"}
    assert set(spots) & set(ATTENTION)
    assert all(block.detectable is not None for block in found.blocks)


def test_fewer_bits_see_less_and_eight_of_them_no_attention_in_nam(coord):
    half, eighth = (
        power(gate("tests.slices:nam", precision=precision), ATTENTION)
        for precision in ("fp16", "int8")
    )
    for coarse, fine in zip(eighth.blocks, half.blocks, strict=True):
        assert coarse.detectable > fine.detectable > 1e-4
    flat = {spot.path for spot in eighth.blind_spots if spot.fault == "flattened"}
    assert flat & set(ATTENTION)
    assert not [spot for spot in half.blind_spots if spot.fault == "flattened"]
    whole = artifact(Recipe(model="tests.slices:nam", size=SIZE, precision="int8"))
    assert set(unseen(whole, ask(module_for(whole.recipe), whole))) == flat & set(ATTENTION)
    _, in_float32 = coord
    assert max(block.detectable for block in in_float32.blocks) < 1e-4


class Dead(nn.Module):
    """A gate whose first convolution feeds nothing but zeros to the second."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, 4, 1)
        self.expand = nn.Conv2d(4, channels, 1)

    def forward(self, x):
        return x * (self.expand(self.reduce(x.mean((2, 3), keepdim=True)).relu() * 0)).sigmoid()


class Net(nn.Module):
    """A stem, one gate, one layer that is none, and a head."""

    def __init__(self, block: type[nn.Module] = Dead) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2)
        self.gate = block(8)
        self.mix = nn.Sequential(nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8), nn.PReLU())
        self.mix[1].num_batches_tracked.fill_(100)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        return self.head(self.mix(self.gate(self.stem(x))).mean((2, 3)))


def test_a_dead_block_is_a_blind_spot_and_so_is_each_weight_that_does_not_matter():
    torch.manual_seed(0)
    one = gate("tests.parity.test_power:Net")
    assert blocks_of(one) == ("gate",)
    found = power(one, ("gate",))
    assert [(spot.path, spot.fault) for spot in found.blind_spots] == [
        ("gate", "flattened"),
        ("gate.reduce.weight", "doubled"),
        ("gate.reduce.bias", "doubled"),
        ("gate.expand.weight", "doubled"),
    ]
    assert all(spot.seen is None or spot.at == "block" for spot in found.blind_spots[1:])


class Grows(nn.Module):
    """A part that does not keep the shape of what it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        return self.head(self.stem(x).mean((2, 3)))


def test_a_block_that_cannot_be_removed_is_named():
    one = gate("tests.parity.test_power:Grows")
    assert blocks_of(one) == ()
    assert blocks_of(one, ["st*"]) == ("stem",)
    found = power(one, ("stem",))
    assert (found.kept, found.blocks, found.blind_spots) == (("stem",), (), ())


def test_what_is_known_as_attention_comes_before_what_gates():
    module = module_for(Recipe(model="tests.slices:se", size=SIZE))
    image = [np.random.default_rng(0).uniform(-2, 2, (1, 3, *SIZE)).astype(np.float32)]
    assert attention(module, image, ()) == ATTENTION
    assert set(ATTENTION) <= set(gates(module, image))


def test_faults_are_exactly_what_they_say():
    x = torch.randn(2, 4, 5, 3)
    part = nn.Conv2d(4, 4, 1)
    with torch.inference_mode():
        plain = part(x)
        with faded(part, 1.0):
            assert torch.equal(part(x), x)
        with faded(part, 0.0):
            assert torch.equal(part(x), plain)
        with doubled(part.bias), doubled(part.weight):
            assert torch.allclose(part(x), 2 * plain)
        assert torch.equal(part(x), plain)
    scaled = nn.Sequential(nn.BatchNorm2d(4).eval())
    with torch.no_grad():
        scaled[0].weight.copy_(torch.tensor([0.5, 2.0, -1.0, 0.0]))
    found = flat(scaled, "0", [[x.numpy()]])
    assert found.shape == (1, 4, 1, 1)
    assert torch.allclose(found.flatten(), scaled[0].weight, atol=1e-4)


class Quiet:
    def begin(self, step):
        assert step

    def end(self, step, outcome):
        assert outcome == "done"


def test_artifacts_of_one_reference_share_what_is_found():
    made = artifact(Recipe(model="tests.parity.test_power:Net", size=SIZE))
    both = (made, replace(made, backend="tflite"))
    questions = Questions()
    verdicts = with_power(both, [Verdict(None, "host", ())] * 2, questions, Quiet())
    assert questions(both[0]) is questions(both[1])
    assert verdicts[0].power is verdicts[1].power
    shown = [Judged(name, one) for name, one in zip(("a", "b"), verdicts, strict=True)]
    tables = words.tables(shown)
    assert [len(table.rows) for table in tables] == [1, 7, 4]
    assert "a, b" in tables[0].title
    assert "4 blind spots: gate, gate.reduce.weight" in words.summary(verdicts[0].power)


def test_an_input_that_shows_nothing_is_named():
    def case(name, value, limit):
        return Case(name, "max_error", "of range", value, limit, "lower", passed=value <= limit)

    removed = (case("natural", 0.1, 1e-6), case("noise", 0.1, 0.4))
    found = Power((BlockPower("features.1.attention", removed, removed, 1e-5),), ())
    assert words.summary(found) == (
        "parity would notice 1 of 1 attention blocks gone; noise alone would notice 0, since its "
        "limit is 4.0e-01 of range; no blind spot"
    )
    *_, (natural, noise) = [table.rows for table in words.tables([Judged("onnx", shown(found))])][
        :2
    ]
    assert (natural.mark, noise.mark) == ("plain", "bad")


def shown(found: Power) -> Verdict:
    return Verdict(None, "host", (), power=found)


def test_where_no_block_is_known_it_says_so():
    assert "no attention block is known" in words.summary(Power((), ()))
