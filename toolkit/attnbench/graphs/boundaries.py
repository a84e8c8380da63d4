"""Where blocks begin and end in a graph."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from attnbench.graphs.base import Graph
from attnbench.graphs.layouts import Shape, layouts
from attnbench.records import Block, is_inside


@dataclass(frozen=True, slots=True)
class Boundary:
    """
    A block of the graph: its operators, the values that enter, and the one that it returns.

    `at` is the position of the operator that makes `exit`, `shape` what PyTorch's output has.
    """

    block: Block
    nodes: tuple[int, ...]
    entries: tuple[str, ...]
    exit: str
    at: int
    shape: Shape

    def around(self, other: Boundary) -> bool:
        """Whether it is a block that the other one is in."""
        return other.block.path.startswith(f"{self.block.path}.")


def boundaries(
    graph: Graph, blocks: Iterable[Block], shapes: Mapping[str, Shape]
) -> tuple[Boundary, ...]:
    """
    The blocks whose output is a value of the graph, by where it is made, inner blocks first.

    `shapes` are those of the outputs in PyTorch, of each block that returns one tensor. The output
    is the value of that size that leaves the block: what is computed in it and read outside.
    A block has none whose end was fused with what is behind it, nor one that several such values
    leave: then nothing says which is its output.
    """
    fixed = graph.fixed()
    found = [
        _boundary(graph, block, shapes[block.path], fixed)
        for block in blocks
        if block.path in shapes
    ]
    order = [one for one in found if one is not None]
    return tuple(sorted(order, key=lambda one: (one.at, -len(one.block.path))))


def _boundary(graph: Graph, block: Block, shape: Shape, fixed: Collection[str]) -> Boundary | None:
    inside = [at for at, node in enumerate(graph.nodes) if is_inside(node.path, block.path)]
    nodes = [graph.nodes[at] for at in inside]
    outputs = {value: at for at in inside for value in graph.nodes[at].outputs}
    made = {value: at for value, at in outputs.items() if value not in fixed}
    elsewhere = set(graph.outputs).union(
        *(node.inputs for at, node in enumerate(graph.nodes) if at not in set(inside))
    )
    exits = [value for value in made if value in elsewhere and _fits(graph, value, shape)]
    if len(exits) != 1 or _is_fused_away(graph, exits[0], block):
        return None
    entering = (one for node in nodes for one in node.inputs if one not in made)
    entries = tuple(one for one in dict.fromkeys(entering) if one not in fixed)
    return Boundary(block, tuple(inside), entries, exits[0], made[exits[0]], shape)


def _is_fused_away(graph: Graph, value: str, block: Block) -> bool:
    """Whether an operator of another module that reads a value began in the block."""
    return any(
        value in node.inputs
        and is_inside(node.root, block.path)
        and not is_inside(node.path, block.path)
        for node in graph.nodes
    )


def _fits(graph: Graph, value: str, shape: Shape) -> bool:
    known = graph.shapes.get(value)
    return known is not None and any(layouts(known, shape, channels_last=graph.channels_last))
