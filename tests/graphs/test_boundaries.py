from attnbench.graphs.base import Graph, Node, needed, placed
from attnbench.graphs.boundaries import boundaries
from attnbench.records import Block

MAP = (1, 4, 8, 8)


def node(path, inputs, output, operator="Conv"):
    return Node(output, operator, path, tuple(inputs), (output,))


NODES = (
    node("stem", ["x"], "a"),
    node("unit.conv", ["a"], "b"),
    node("unit.gate.pool", ["b"], "c", "Mean"),
    node("unit.gate", ["b", "c"], "d", "Mul"),
    node("unit", ["d", "a"], "e", "Add"),
    node("head", ["e"], "y"),
)
SHAPES = dict.fromkeys("xabdey", MAP) | {"c": (1, 4, 1, 1)}
GRAPH = Graph(NODES, ("x",), ("y",), SHAPES)
BLOCKS = [Block(path, "backbone") for path in ("stem", "unit", "unit.gate", "head")]


def found(graph=GRAPH, blocks=BLOCKS):
    return {one.block.path: one for one in boundaries(graph, blocks, {b.path: MAP for b in blocks})}


def test_blocks_end_where_others_take_over_in_the_order_of_the_file():
    ends = found()
    assert list(ends) == ["stem", "unit.gate", "unit", "head"]
    assert [one.exit for one in ends.values()] == ["a", "d", "e", "y"]


def test_what_enters_a_block_is_what_it_does_not_compute():
    ends = found()
    assert ends["unit"].entries == ("a",)
    assert ends["unit.gate"].entries == ("b",)
    assert ends["unit"].around(ends["unit.gate"])
    assert not ends["stem"].around(ends["unit"])


def test_a_block_whose_output_was_fused_away_has_no_end():
    nodes = tuple(one for one in NODES if one.path != "stem")
    assert "stem" not in found(Graph(nodes, ("a",), ("y",), SHAPES))


def test_what_is_made_of_constants_alone_neither_enters_nor_leaves():
    weights = node("stem", [], "w", "DequantizeLinear")
    nodes = (weights, *NODES[:4], node("unit", ["d", "a", "w"], "e", "Add"), NODES[5])
    ends = found(Graph(nodes, ("x",), ("y",), SHAPES | {"w": MAP}))
    assert (ends["stem"].exit, ends["unit"].entries) == ("a", ("a",))
    assert needed(nodes, ["a"], ["e"])[0] == 0


def test_a_value_of_another_size_is_no_output():
    assert "unit.gate.pool" not in found(blocks=[Block("unit.gate.pool", "backbone")])


def test_an_operator_that_somebody_put_in_belongs_to_its_reader():
    strange = (NODES[0], node(None, ["a"], "z"), node("unit.conv", ["z"], "b"))
    assert [one.path for one in placed(strange)] == ["stem", "unit.conv", "unit.conv"]


def test_only_what_is_needed_is_cut_out():
    assert needed(NODES, ["b"], ["d"]) == [2, 3]
    assert needed(NODES, ["a"], ["e"]) == [1, 2, 3, 4]


def test_a_block_whose_end_was_fused_with_what_follows_has_none():
    fused = Node("e", "Add", "act", ("d", "a"), ("e",), root="unit")
    nodes = tuple(fused if one.name == "e" else one for one in NODES)
    assert list(found(Graph(nodes, ("x",), ("y",), SHAPES))) == ["stem", "unit.gate", "head"]


def test_a_block_that_two_values_of_its_size_leave_has_none():
    both = (*NODES[:5], node("head", ["e", "b"], "y"))
    assert "unit" not in found(Graph(both, ("x",), ("y",), SHAPES))
