"""What a baseline of delegation lets pass, and what not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from attnbench.errors import BadInput
from attnbench.pipeline.gate import NO_BASELINE, read_baseline, with_delegation, write_baseline
from attnbench.records import Block, Delegation, Undelegated, Verdict

BLOCKS = (Block("features.1", "backbone"), Block("features.1.attention", "attention"))


def made(delegates, *outside):
    left = tuple(Undelegated("mean", path, "why") for path in outside)
    return SimpleNamespace(
        backend="executorch", blocks=BLOCKS, delegation=Delegation(delegates, 5, left)
    )


@pytest.fixture
def baseline(tmp_path):
    path = tmp_path / "baselines" / "b.json"
    write_baseline(path, {"coord": [made(1)], "plain": [made(0)]})
    return read_baseline(path)


def judged(artifact, baseline, name="coord"):
    return with_delegation(name, artifact, Verdict(None, "host", ()), baseline)


def failed(verdict):
    return [case.metric for case in verdict.cases if not case.passed]


def test_what_is_as_it_was_passes(baseline):
    verdict = judged(made(1), baseline)
    assert (len(verdict.cases), failed(verdict), verdict.notes) == (2, [], ())


def test_a_model_that_left_its_delegate_altogether_fails(baseline):
    verdict = judged(made(0, "features.1.attention.pool", "features.1"), baseline)
    assert failed(verdict) == ["left_delegate"]
    assert [note.partition(" ")[0] for note in verdict.notes] == [
        "features.1.attention",
        "features.1",
    ]


def test_a_new_model_is_told_of_where_its_runtime_delegates(baseline):
    assert judged(made(1), baseline, "new").notes == (NO_BASELINE,)
    assert judged(made(0), baseline, "plain").notes == ()


def test_nothing_is_held_while_a_baseline_is_taken():
    assert judged(made(1), None) == Verdict(None, "host", ())


def test_a_damaged_baseline_is_named(tmp_path):
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(BadInput, match=r"b\.json"):
        read_baseline(tmp_path / "b.json")
    assert read_baseline(tmp_path / "none.json").delegated == {}
