"""Kernels of XNNPACK that are not called what the graph calls their operator."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from attnbench.attribution import litert
from attnbench.attribution.places import Place
from attnbench.attribution.xnnpack import TABLE
from attnbench.errors import AttributionError
from attnbench.records import Block, Delegation, Event, Operator, Scope, Trace, Undelegated

CONV = "Convolution (NHWC, F32) IGEMM"
BLOCKS = tuple(Block(path, "backbone") for path in ("a", "b", "c"))


def ran(*kernels):
    operators = tuple(Operator(name, name) for name in kernels)
    events = tuple(Event(at, 10 * at, 10) for at in range(len(kernels)))
    return Trace("litert", 1, operators, (events,))


def graph(*operators):
    """An artifact of (operator, path)."""
    scopes = tuple(Scope(f"v{at}", *one) for at, one in enumerate(operators))
    return SimpleNamespace(scopes=scopes, blocks=BLOCKS)


def blocks(trace, artifact):
    return [place.block for place in litert.locate(trace, artifact).places]


def test_operators_of_one_kind_may_run_in_the_delegate_and_outside():
    both = graph(("CONCATENATION", "a"), ("CONV_2D", "b"), ("CONCATENATION", "c"))
    trace = ran("Copy (NC, X32)", CONV, "CONCATENATION")
    assert blocks(trace, both) == ["a", "b", "c"]
    outside = (Undelegated("CONCATENATION", "c", "not taken by XNNPACK"),)
    assert litert.delegation(trace, both) == Delegation(0, 2, outside)


def test_which_one_is_outside_stays_open_where_nothing_tells():
    alike = graph(("CONCATENATION", "a"), ("ADD", "b"), ("ADD", "b"), ("CONCATENATION", "c"))
    trace = ran("CONCATENATION", "CONCATENATION")
    (*_, last) = litert.delegation(trace, alike).outside
    assert (last.operator, last.path) == ("CONCATENATION", None)
    with pytest.raises(AttributionError, match="2 kernels cannot be aligned with the graph's 4"):
        litert.locate(trace, alike)


def test_a_depthwise_convolution_of_several_channels_runs_as_a_grouped_one():
    assert blocks(ran(CONV, CONV), graph(("DEPTHWISE_CONV_2D", "a"), ("CONV_2D", "b"))) == [
        "a",
        "b",
    ]


def test_a_maximum_with_a_constant_has_no_kernel_of_its_own():
    softmax = graph(("REDUCE_MAX", "a"), ("MAXIMUM", "b"), ("SUB", "c"))
    assert blocks(ran("Reduce Max (ND) Reduce", "Subtract (ND)"), softmax) == ["a", "c"]
    assert litert.locate(
        ran("Reduce Max (ND) Reduce", "Maximum (ND)", "Subtract (ND)"), softmax
    ) == (litert.Located((Place("a"), Place("b"), Place("c"))))


def test_a_kernel_that_squares_what_it_reduces_is_of_both_operators():
    norm = graph(("SUB", "a"), ("MUL", "b"), ("MEAN", "b"), ("MUL", "c"))
    merged = ran("Subtract (ND)", "Mean Squared (ND) Reduce2", "Multiply (ND)")
    assert blocks(merged, norm) == ["a", "b", "c"]
    with pytest.raises(AttributionError):
        litert.locate(ran("Subtract (ND)", "Mean (ND) Reduce2", "Multiply (ND)"), norm)


def test_a_squared_difference_is_no_square():
    assert blocks(ran("Squared Difference (ND)"), graph(("SQUARED_DIFFERENCE", "a"))) == ["a"]
    with pytest.raises(AttributionError, match="first that fits nowhere: Squared Difference"):
        litert.locate(ran("Squared Difference (ND)"), graph(("SQUARE", "a")))


SWISH = (("ADD", "b"), ("RELU6", "b"), ("MUL", "b"))
"""A hard-swish in products: in 8 bits a function of one number."""


def test_a_chain_on_one_number_is_one_table():
    gated = graph(("CONV_2D", "a"), *SWISH, ("CONV_2D", "b"), ("MUL", "b"), ("ADD", "c"))
    rest = (CONV, "Multiply (ND)", "Add (ND)")
    assert blocks(ran(CONV, TABLE, *rest), gated) == ["a", "b", "b", "b", "c"]
    with pytest.raises(AttributionError):
        litert.locate(ran(CONV, *rest), gated)


def test_a_table_of_two_blocks_is_of_neither():
    both = graph(("CONV_2D", "a"), ("LOGISTIC", "a"), *SWISH, ("CONV_2D", "c"))
    assert blocks(ran(CONV, TABLE, CONV), both) == ["a", None, "c"]
    assert blocks(ran(CONV, TABLE, TABLE, CONV), both) == ["a", None, "b", "c"]
