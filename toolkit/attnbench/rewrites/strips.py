"""
What is computed pixel by pixel, done to each strip alone.

Coordinate attention lays two strips end to end for one convolution, which takes a transpose, a
concatenation and a split. But that convolution looks at one pixel at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch.fx import GraphModule, Node

from attnbench.rewrites.base import (
    Rewrite,
    calls,
    constant,
    is_in_place,
    origin,
    path_of,
    shape_of,
)

aten = torch.ops.aten
RUN_HERE = frozenset({"onnx", "tflite", "executorch"})
SPLITS = (aten.split_with_sizes.default, aten.split.Tensor, aten.chunk.default)
TURNS = (aten.permute.default, aten.transpose.int)
UNTAGGED = (aten.hardswish.default, aten.hardswish_.default)
"""Operators on each number by itself that torch does not tag as such."""


@dataclass(frozen=True, slots=True)
class Region:
    """Operators from behind `entry` to `end` that treat every pixel of a map alike, in order."""

    entry: Node
    end: Node
    nodes: tuple[Node, ...]

    @classmethod
    def between(
        cls, is_entry: Callable[[Node], bool], end: Node, program: GraphModule
    ) -> Region | None:
        """What makes `end` of one entry, if it is nothing else and nobody else reads it."""
        wanted, inside, entries = [end], set[Node](), set[Node]()
        while wanted:
            node = wanted.pop()
            if is_entry(node):
                entries.add(node)
            elif _is_by_pixel(node, program):
                inside.add(node)
                wanted += [one for one in node.all_input_nodes if constant(program, one) is None]
            else:
                return None
        read = {user for node in inside - {end} for user in node.users}
        written = {node.args[0] for node in inside if is_in_place(node)} & entries
        if len(entries) != 1 or len(end.users) != 1 or not read <= inside or written:
            return None
        return cls(entries.pop(), end, tuple(one for one in program.graph.nodes if one in inside))

    def on(self, source: Node, before: Node, sizes: Mapping[int, int]) -> Node:
        """The same operators on another tensor, some of whose axes have other sizes."""
        made = {self.entry: source}
        for node in self.nodes:
            with before.graph.inserting_before(before):
                made[node] = before.graph.node_copy(node, lambda one: made.get(one, one))
            shape = [sizes.get(axis, size) for axis, size in enumerate(shape_of(node))]
            made[node].meta = origin(node) | {"val": node.meta["val"].new_empty(shape)}
        return made[self.end]

    def erase(self) -> None:
        """Remove it, once nothing reads its end."""
        for node in reversed(self.nodes):
            node.graph.erase_node(node)


def _is_by_pixel(node: Node, program: GraphModule) -> bool:
    """Whether it makes each pixel of a map of that pixel alone, everywhere in the same way."""
    if node.op != "call_function" or not _is_map(node):
        return False
    if node.target is aten.conv2d.default:
        weight = constant(program, node.args[1])
        steps = [number for one in node.args[3:5] for number in cast("list[int]", one)]
        return weight is not None and _is_pixel(weight) and steps in ([], [1, 1], [1, 1, 0, 0])
    if node.target is aten.batch_norm.default:
        return node.args[5] is False
    values = [constant(program, one) for one in node.all_input_nodes]
    alike = all(one is None or one.dim() == 0 or _is_pixel(one) for one in values)
    tags: Any = getattr(node.target, "tags", ())
    return alike and (torch.Tag.pointwise in tags or node.target in UNTAGGED)


def _is_map(node: Node) -> bool:
    value = node.meta.get("val")
    return isinstance(value, torch.Tensor) and value.dim() == 4


def _is_pixel(value: torch.Tensor) -> bool:
    return value.shape[-2:] == (1, 1)


def strips_apart(program: GraphModule) -> Iterator[str]:
    """split(f(cat(a, b))), f by pixel, along rows or columns -> f(a), f(b)."""
    for split in calls(program, *SPLITS):
        region = Region.between(_is_cat, cast("Node", split.args[0]), program)
        axis = _axis(split)
        if region is None or axis < 2 or _axis(region.entry) != axis:
            continue
        parts = cast("list[Node]", region.entry.args[0])
        sizes = [shape_of(part)[axis] for part in parts]
        if sizes != [int(part.shape[axis]) for part in split.meta["val"]]:
            continue
        yield path_of(split)
        for user in list(split.users):
            at = cast("int", user.args[1])
            user.replace_all_uses_with(region.on(parts[at], user, {axis: sizes[at]}))
            program.graph.erase_node(user)
        program.graph.erase_node(split)
        region.erase()


def _is_cat(node: Node) -> bool:
    return node.target is aten.cat.default and _is_map(node)


def _axis(node: Node) -> int:
    """Along which axis of a map it joins or splits."""
    at = 1 if node.target is aten.cat.default else 2
    given = node.args[at] if len(node.args) > at else node.kwargs.get("dim", 0)
    return int(given) % 4  # type: ignore[arg-type]


def turns_undone(program: GraphModule) -> Iterator[str]:
    """f(x.mT).mT, f by pixel -> f(x)."""
    for turn in calls(program, *TURNS):
        if not _is_turn(turn):
            continue
        region = Region.between(_is_turn, cast("Node", turn.args[0]), program)
        if region is None:
            continue
        yield path_of(turn)
        source = cast("Node", region.entry.args[0])
        *_, height, width = shape_of(source)
        turn.replace_all_uses_with(region.on(source, turn, {2: height, 3: width}))
        program.graph.erase_node(turn)
        region.erase()


def _is_turn(node: Node) -> bool:
    """Whether it exchanges height and width of a map."""
    if node.target not in TURNS or not _is_map(node):
        return False
    if node.target is aten.transpose.int:
        return {one % 4 for one in cast("tuple[int, ...]", node.args[1:3])} == {2, 3}
    return [one % 4 for one in cast("list[int]", node.args[1])] == [0, 1, 3, 2]


STRIPS_APART = Rewrite(
    "strips-apart",
    "two strips are copied into one, and apart again, for a convolution of single pixels",
    RUN_HERE,
    strips_apart,
)
TURNS_UNDONE = Rewrite(
    "turns-undone",
    "a strip is turned, and back again, around what looks at one pixel at a time",
    RUN_HERE,
    turns_undone,
)
