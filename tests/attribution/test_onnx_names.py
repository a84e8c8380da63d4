"""ONNX Runtime expands functions: their nodes have no names, and their values made-up ones."""

from onnx import helper

from attnbench.attribution.onnxruntime import _names, _plain, _read_by
from attnbench.records import Operator

NODES = [
    helper.make_node("Conv", ["x"], ["conv"], "node_conv"),
    helper.make_node("HardSigmoid", ["conv"], ["_inlfunc_HardSwish_HS_X"], ""),
    helper.make_node("Mul", ["conv", "_inlfunc_HardSwish_HS_X"], ["hardswish"], ""),
]
RAN = [
    Operator("node_conv", "Conv"),
    Operator("HardSigmoid_323", "HardSigmoid"),
    Operator("Mul_324", "Mul"),
]


def test_nodes_without_a_name_have_that_of_the_event_in_their_place():
    assert _names(NODES, RAN) == ["node_conv", "HardSigmoid_323", "Mul_324"]


def test_nothing_is_guessed_where_the_order_does_not_hold():
    own = ["node_conv", "", ""]
    assert _names(NODES, RAN[::-1]) == own
    assert _names(NODES, RAN[:2]) == own
    assert _names(NODES, [RAN[0], RAN[2], RAN[1]]) == own


def test_a_value_inside_a_function_is_of_its_readers_module():
    assert _read_by(NODES, {"hardswish": "block.act", "conv": "block.conv"}) == {
        "_inlfunc_HardSwish_HS_X": "block.act"
    }


def test_a_product_that_became_a_convolution_keeps_its_module():
    known = {"gate": "block", "gate_mul": "block.scale", "norm": "block.norm"}
    assert _plain("norm_bn_nchwc", known) == "norm"
    assert _plain("gate_mul_nchwc", known) == "gate_mul"
    assert _plain("gate_mul_mul_nchwc", known) == "gate_mul"
    assert _plain("other_mul_nchwc", known) == ""
