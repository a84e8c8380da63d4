"""What each block loses: alone, accumulated, beside its time; as a table, a page and JSON."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from attnbench.devices import DEVICES
from attnbench.errors import BadOption
from attnbench.pipeline.losses import losses, timed
from attnbench.quantise.calibration import samples
from attnbench.quantise.simulated import exits
from attnbench.records import Residual
from attnbench.report import html
from attnbench.report import losses as words
from attnbench.store import Run, from_json, to_json
from tests.precision.test_simulated import IMAGE, Two
from tests.report.invented import WHEN, measurement
from tests.slices import ATTENTION

HOST = "host"


@pytest.fixture(scope="module")
def found(convert):
    return losses(convert("onnx", "coord", "int8"), DEVICES.get(HOST))


def test_every_attention_block_loses_something_alone_and_no_more_than_has_accumulated(found):
    attention = [one for one in found.blocks if one.kind == "attention"]
    assert tuple(one.path for one in attention) == ATTENTION
    for one in attention:
        assert 10 < one.accumulated_db <= one.alone_db + 1  # noise may cancel by a little


def test_the_rounded_reference_foretells_the_artifact(found):
    assert found.simulated_db == pytest.approx(found.measured_db, abs=3)


def test_a_module_with_one_value_to_leave_by_is_told_by_it():
    (sample, *_) = samples([IMAGE], None)
    program = torch.export.export(Two().eval(), sample).module(check_guards=False)
    assert exits(program, ["first", "second", "absent"]) == {
        "first": "hardtanh",
        "second": "conv2d_1",
    }


def test_float32_loses_nothing(convert):
    artifact = convert("onnx", "coord", "int8")
    plain = replace(artifact, recipe=replace(artifact.recipe, precision="fp32"))
    with pytest.raises(BadOption, match="float32 loses nothing"):
        losses(plain, DEVICES.get(HOST))


def test_times_stand_beside_and_what_is_saved_is_their_difference(found):
    before, after = (measurement("onnx", scale, Residual(), 1.0) for scale in (1.0, 0.5))
    one = timed(found, before, after)
    assert (one.before_ns, one.after_ns) == (before.latency_ns.median, after.latency_ns.median)
    times = {block.path: (block.before_ns, block.after_ns) for block in one.blocks}
    (at,) = (block for block in before.blocks if block.path == ATTENTION[1])
    assert times[ATTENTION[1]][0] == at.ns > times[ATTENTION[1]][1]
    (block,) = (block for block in one.blocks if block.path == ATTENTION[1])
    assert words.saved_ns(block) == block.before_ns - block.after_ns > 0


def test_the_table_the_page_and_the_record_say_the_same(found):
    table = words.table(found)
    assert [row.cells[0] for row in table.rows] == [one.path for one in found.blocks]
    assert all(len(row.cells) == len(table.headings) for row in table.rows)
    run = Run(WHEN, losses=(found,))
    page = html.render(run)
    assert "signal-to-noise ratio against float32" in page
    assert f"{found.measured_db:.1f} dB" in page
    assert from_json(to_json(run), Run, "run") == run
