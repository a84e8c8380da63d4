"""Half precision on the ATen graph, for converters that take a program's types as they are."""

from __future__ import annotations

import copy
from collections.abc import Callable
from operator import getitem
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from attnbench.rewrites.base import origin, path_of

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


def halved(program: GraphModule, keeps: Callable[[str], bool]) -> GraphModule:
    """
    A copy that computes in float16, but for its inputs, outputs and the modules that are kept.

    A cast belongs to the module that reads what it casts. What the nodes' meta says of types is
    stale: the copy is to be traced again.
    """
    half = copy.deepcopy(program)
    types = {node: _type(node, keeps) for node in half.graph.nodes}
    for node, wanted in list(types.items()):
        if node.op == "get_attr":
            owner, _, name = str(node.target).rpartition(".")
            value = getattr(half.get_submodule(owner), name)
            if value.is_floating_point():
                value.data = value.data.to(wanted)
        elif wanted is torch.float16:
            node.args, node.kwargs = tree_map(_as_half, (node.args, node.kwargs))
        for source in node.all_input_nodes if node.target is not getitem else ():
            if _is_float(source) and types[source] is not wanted:
                node.replace_input_with(source, _cast(source, node, wanted))
    half.recompile()
    return half


def _type(node: Node, keeps: Callable[[str], bool]) -> torch.dtype:
    """What a node returns; a constant is float32 as soon as one reader of it is."""
    if node.op == "get_attr":
        same = (one for one in node.graph.nodes if one.op == "get_attr")
        readers = [user for one in same if one.target == node.target for user in one.users]
        kept = any(_type(user, keeps) is torch.float32 for user in readers)
    else:
        kept = node.op != "call_function" or keeps(path_of(node))
    return torch.float32 if kept else torch.float16


def _as_half(argument: object) -> object:
    return torch.float16 if argument is torch.float32 else argument


def _is_float(node: Node) -> bool:
    value = node.meta.get("val")
    return isinstance(value, Tensor) and value.is_floating_point()


def _cast(source: Node, reader: Node, to: torch.dtype) -> Node:
    """A cast in front of a node, in that node's scope, or in the source's if it has none."""
    with reader.graph.inserting_before(reader):
        made = reader.graph.call_function(torch.ops.aten.to.dtype, (source, to))
    scope = reader if "nn_module_stack" in reader.meta else source
    made.meta = origin(scope) | {"val": source.meta["val"].to(to)}
    return made
