"""Where an inference's time went, as a tree: blocks inside blocks, operators as leaves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Literal

from attnbench.records import Measurement, OperatorTime
from attnbench.report.view import ROOT_NAME, Column, block_rows, enclosing

Fill = Literal["whole", "attention", "backbone", "residual"]

ROOT = "all"
RESIDUAL = "residual"


@dataclass(frozen=True, slots=True)
class Node:
    """
    A part of an inference with all that is inside of it, in ns.

    `label` is short, `name` says it out of its place. `parent` is "" of the root. `at` is the
    place of its first operator among all of them; infinite where that is not known.
    """

    id: str
    parent: str
    label: str
    name: str
    fill: Fill
    ns: int
    at: float = math.inf


def tree(column: Column) -> tuple[Node, ...]:
    """
    The nodes that take any time; siblings in the order in which they run, residual last.

    Every time is the sum of those below it, so it may differ from the record's by the rounding of
    operators. () where attribution was refused.
    """
    m = column.measurement
    if m.blocks is None:
        return ()
    root = Node(ROOT, "", column.label, f"{column.label}, all of it", "whole", 0)
    nodes = {node.id: node for node in (root, *_blocks(m), *_residual(m))}
    for name in reversed(nodes):  # parents come first
        one = nodes[name]
        if one.parent:
            outer = nodes[one.parent]
            nodes[outer.id] = replace(outer, ns=outer.ns + one.ns, at=min(outer.at, one.at))
    ran = sorted(nodes.values(), key=lambda node: (node.fill == "residual", node.at))
    return tuple(node for node in ran if node.ns)


def block_id(path: str) -> str:
    """The node of a block, alike in every runtime's tree."""
    return f"block {path}"


def _blocks(m: Measurement) -> Iterator[Node]:
    """Each block after those around it, with its own operators behind it."""
    rows = sorted(block_rows(m), key=lambda row: row.depth)  # stable: siblings keep their order
    around = enclosing([row.path for row in rows])
    for row in rows:
        outer = around[row.path]
        label = row.name if outer is None else row.path.removeprefix(f"{outer}.")
        parent = ROOT if outer is None else block_id(outer)
        own = [(at, one) for at, one in enumerate(m.operators) if one.block == row.path]
        ns = 0 if own else row.ns
        yield Node(block_id(row.path), parent, label, row.name, row.kind, ns)
        yield from (_operator(at, one, block_id(row.path), row.name, row.kind) for at, one in own)


def _residual(m: Measurement) -> Iterator[Node]:
    assert m.residual is not None  # it comes with the blocks
    yield Node(RESIDUAL, ROOT, "(no block)", "time of no block", "residual", 0)
    for key, spent in asdict(m.residual).items():
        name = f"({key})"
        own = [(at, one) for at, one in enumerate(m.operators) if one.residual == key]
        ns = 0 if own else spent
        yield Node(name, RESIDUAL, key, name, "residual", ns)
        yield from (_operator(at, one, name, name, "residual") for at, one in own)


def _operator(at: int, one: OperatorTime, parent: str, home: str, fill: Fill) -> Node:
    name = f"{one.kind} in {home or ROOT_NAME}"
    label = one.kind.partition(" (")[0]  # XNNPACK's go on with layout, type and algorithm
    return Node(f"operator {at}", parent, label, name, fill, one.ns, at)
