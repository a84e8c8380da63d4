"""What a rewrite is, how the chosen ones are applied, and the proof that nothing changed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from operator import contains
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node
from torch.utils._pytree import tree_structure, tree_unflatten

from attnbench.errors import ExportError
from attnbench.records import TARGETS, Applied

EQUAL_WITHIN = 1e-8
"""Largest difference that rewrites may make in float64, as a share of the output's range."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """
    One exact change of form.

    `apply` edits the graph in place and yields the module path of each change. `backends`,
    `precisions` and `targets` are the ones that it serves. `why` completes "without it ...".
    `moves` is whether what the modules at those paths took in is no value of the graph any more.
    `unverified` is whether its gain was seen in instruction time alone, on no hardware.
    """

    name: str
    why: str
    backends: frozenset[str]
    apply: Callable[[GraphModule], Iterable[str]]
    precisions: frozenset[str] = frozenset({"fp32", "fp16", "int8"})
    targets: frozenset[str] = frozenset(TARGETS)
    moves: bool = False
    unverified: bool = False

    def serves(self, backend: str, precision: str, target: str) -> bool:
        """Whether it is for such an export."""
        wanted = (backend, precision, target)
        return all(map(contains, (self.backends, self.precisions, self.targets), wanted))


def rewrite(
    program: GraphModule, example: Sequence[Tensor], chosen: Sequence[Rewrite]
) -> tuple[GraphModule, tuple[Applied, ...]]:
    """
    Apply `chosen` in order to a copy of `program`; which of them changed something, and where.

    The same is done to a float64 copy, and its outputs on `example` are compared there: float32
    would hide a wrong rewrite behind its own rounding, which deep networks amplify. Raises
    ExportError when they differ by more than EQUAL_WITHIN of their range: a rewrite that changes
    the numbers is a bug here, and must not reach a file.
    """
    changed = copy.deepcopy(program)
    applied = _apply(changed, chosen)
    if applied:
        double = copy.deepcopy(program).double()
        proof = copy.deepcopy(double)
        _apply(proof, chosen)
        worst = difference(double, proof, [tensor.double() for tensor in example])
        if worst > EQUAL_WITHIN:
            names = ", ".join(one.name for one in applied)
            raise ExportError(
                f"the rewrites {names} change the output by {worst:.1e} of its range",
                hint="switch them off one by one with --no-rewrite NAME, and please report it",
            )
    _drop_unread(changed)
    return changed, applied


def _apply(program: GraphModule, chosen: Sequence[Rewrite]) -> tuple[Applied, ...]:
    """Edit `program` in place."""
    applied = []
    for candidate in chosen:
        if paths := tuple(dict.fromkeys(candidate.apply(program))):
            program.graph.eliminate_dead_code()
            program.recompile()
            applied.append(Applied(candidate.name, paths))
    return tuple(applied)


def _drop_unread(program: GraphModule) -> None:
    """Remove the tensors that nothing reads: converters carry each through all of their passes."""
    read = {node.target for node in program.graph.nodes if node.op == "get_attr"}
    parameters = program.named_parameters(remove_duplicate=False)
    for name, _ in [*parameters, *program.named_buffers(remove_duplicate=False)]:
        if name not in read:
            owner, _, leaf = name.rpartition(".")
            delattr(program.get_submodule(owner), leaf)


def difference(one: nn.Module, other: nn.Module, example: Sequence[Tensor]) -> float:
    """Largest difference of two modules' outputs, as a share of each output's range."""
    with torch.inference_mode():
        pairs = zip(outputs_of(one(*example)), outputs_of(other(*example)), strict=True)
        return max(_relative(a, b) for a, b in pairs)


def _relative(reference: Tensor, other: Tensor) -> float:
    span = float(reference.max() - reference.min()) or 1.0
    worst = float((reference - other).abs().max()) / span
    return worst if worst == worst else float("inf")  # NaN is no equality


def outputs_of(result: object) -> list[Tensor]:
    """The tensors in a module's result, depth first: a tensor, or a tuple, list or dict of them."""
    return list(named_outputs(result).values())


def named_outputs(result: object, name: str = "") -> dict[str, Tensor]:
    """
    The tensors in a module's result by where they are in it, depth first.

    `boxes` is a field of a named tuple or a key of a dict, `1` an entry of a list or tuple, `a.0`
    is inside of both; a tensor by itself is "".
    """
    if isinstance(result, Tensor):
        return {name: result}
    if not isinstance(result, Collection) or isinstance(result, str):
        return {}
    keys: Iterable[object] = getattr(result, "_fields", range(len(result)))
    parts = result.items() if isinstance(result, dict) else zip(keys, result, strict=True)
    return {
        path: tensor
        for key, part in parts
        for path, tensor in named_outputs(part, f"{name}.{key}" if name else str(key)).items()
    }


def output_names(program: GraphModule) -> tuple[str, ...]:
    """How a program's result names its tensors; () where none or not all have a name."""
    spec = _codegen(program).pytree_info.out_spec
    names = named_outputs(tree_unflatten([torch.empty(0)] * spec.num_leaves, spec))
    return tuple(names) if all(name.isidentifier() for name in names) else ()


def flattened(program: GraphModule) -> GraphModule:
    """A copy that returns its tensors in one tuple, whatever the structure that they are in."""
    flat = copy.deepcopy(program)
    info = _codegen(flat).pytree_info
    if not info.out_spec.is_leaf():
        plain = tree_structure((0,) * info.out_spec.num_leaves)
        _codegen(flat).pytree_info = info._replace(out_spec=plain)
        flat.recompile()
    return flat


def _codegen(program: GraphModule) -> Any:
    """What knows the structures around the tensors; torch does not declare its attributes."""
    return program.graph._codegen


def calls(program: GraphModule, *targets: object) -> Iterator[Node]:
    """The nodes that call one of `targets`; safe to edit the graph meanwhile."""
    wanted = set(targets)
    for node in list(program.graph.nodes):
        if node.op == "call_function" and node.target in wanted:
            yield node


def path_of(node: Node) -> str:
    """The dotted path of the nn.Module that called this operator; "" is the model itself."""
    stack = node.meta.get("nn_module_stack")
    return str(next(reversed(stack.values()))[0]) if stack else ""


def shape_of(node: Node) -> tuple[int, ...]:
    """The shape of the tensor that a node returns, from tracing."""
    return tuple(int(size) for size in node.meta["val"].shape)


def is_in_place(node: Node) -> bool:
    """Whether it writes into one of its inputs."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and bool(schema.is_mutable)


def constant(program: GraphModule, node: object) -> Tensor | None:
    """The tensor that a node stands for if it is a parameter or buffer, else None."""
    if not isinstance(node, Node) or node.op != "get_attr":
        return None
    value: object = program
    for name in str(node.target).split("."):
        value = getattr(value, name)
    return value.detach() if isinstance(value, Tensor) else None


def add_constant(program: GraphModule, value: Tensor, like: Node) -> Node:
    """A new buffer of the program and the node that reads it, placed before `like`."""
    free = (f"_folded_{number}" for number in count())
    name = next(one for one in free if not hasattr(program, one))
    program.register_buffer(name, value)
    with program.graph.inserting_before(like):
        node = program.graph.get_attr(name)
    node.meta = origin(like) | {"val": like.meta["val"].new_empty(value.shape)}
    return node


def replace(node: Node, target: Callable[..., object], *args: object, value: object = None) -> Node:
    """Put a call of `target` in the place of `node`, with the same scope, and return it."""
    new = insert(node, target, *args, value=node.meta["val"] if value is None else value)
    node.replace_all_uses_with(new)
    node.graph.erase_node(node)
    return new


def insert(before: Node, target: Callable[..., object], *args: object, value: object) -> Node:
    """Insert a call of `target` before a node, in that node's scope; `value` is its fake tensor."""
    with before.graph.inserting_before(before):
        new = before.graph.call_function(target, args)  # type: ignore[arg-type]
    new.meta = origin(before) | {"val": value}
    return new


def origin(node: Node) -> dict[str, object]:
    """The part of a node's meta that says which module and line it comes from."""
    return {key: node.meta[key] for key in ("nn_module_stack", "stack_trace") if key in node.meta}
