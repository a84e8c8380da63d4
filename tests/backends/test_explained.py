"""`attnbench export --explain`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attnbench.cli.explained import explanation
from attnbench.report.gains import gains
from attnbench.rewrites import REWRITES
from attnbench.rewrites.strips import STRIPS_APART


@pytest.fixture
def artifact(convert):
    """Coordinate attention for ONNX Runtime, as if for Arm."""
    return replace(convert("onnx", "coord"), target="aarch64")


def test_every_rewrite_is_named_with_its_modules(artifact):
    told = "\n".join(explanation(artifact))
    assert "onnx, fp32, for aarch64" in told
    for applied in artifact.rewrites:
        assert f"{applied.name}: {applied.paths[0] or 'the model'}" in told
    first, *_ = [one.paths for one in artifact.rewrites if one.name == "fold-batchnorm"]
    assert f"fold-batchnorm: {', '.join(first[:3])} and {len(first) - 3} more" in told


def test_what_was_not_measured_is_not_made_up(artifact):
    other = replace(artifact, target="x86_64")
    assert gains(other, STRIPS_APART.name) == ()
    lines = list(explanation(other))
    at = next(i for i, line in enumerate(lines) if STRIPS_APART.name in line)
    assert lines[at + 1] == "    what it buys here was not measured"


def test_gains_are_of_rewrites_that_serve_that_kind(artifact):
    known = {one.name: one for one in REWRITES}
    found = gains(artifact, STRIPS_APART.name)
    assert found
    for one in found:
        assert one.with_them < one.without
        for name in one.rewrites:
            assert known[name].serves(one.backend, one.precision, one.target)


def test_what_fell_out_of_a_delegate_is_named(convert):
    whole = convert("executorch", "coord")
    assert "  nothing runs outside the delegate" in explanation(whole)
    torn = convert("executorch", "coord", ("axis-mean-to-avg-pool",))
    assert any(line.startswith("  outside the delegate: mean") for line in explanation(torn))
