"""
ExecuTorch programs: instructions that call kernels and XNNPACK delegates, each with its own graph.

A value inside of a delegate leaves it as a further output; one between instructions is copied as
soon as it is made, since memory is planned ahead and used again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attnbench.errors import BadArtifact, BadOption
from attnbench.graphs.base import Content, Editor, Graph, Node, needed, placed
from attnbench.graphs.pte import Draft, Names, Naming, Program, plain, read_program, tensors
from attnbench.graphs.xnnpack import Delegate
from attnbench.records import Artifact, Scope


@dataclass(frozen=True, slots=True)
class Step:
    """
    One instruction, its nodes, and the delegate that it calls, if it calls one.

    `names` has for each argument what the tensors in it are called, None of constants.
    """

    call: Any
    names: tuple[Names, ...]
    nodes: tuple[Node, ...]
    delegate: Delegate | None = None


class ExecuTorchEditor:
    """See Editor."""

    def __init__(self, artifact: Artifact) -> None:
        self.program: Program = read_program(Path(artifact.path))
        plan = self.program.plan
        naming = Naming(plan)
        self.steps = tuple(_steps(self.program, naming, artifact))
        shapes = {str(at): tuple(one.val.sizes) for at, one in enumerate(plan.values) if plain(one)}
        for step in self.steps:
            shapes |= step.delegate.shapes() if step.delegate else {}
        self.graph = Graph(
            placed(node for step in self.steps for node in step.nodes),
            tuple(map(str, plan.inputs)),
            tuple(str(naming.known(at)[0]) for at in plan.outputs),
            shapes,
        )

    def observed(self, values: Sequence[str]) -> Content:
        """See Editor."""
        draft = Draft(self.program)
        shown = {one: draft.tensor(self.graph.shapes[one]) for one in values}
        self._fill(draft, {one for node in self.graph.nodes for one in node.outputs}, {}, shown)
        draft.plan.outputs += shown.values()
        return draft.packed()

    def cut(self, inputs: Sequence[str], outputs: Sequence[str]) -> Content:
        """See Editor."""
        draft = Draft(self.program)
        given, shown = (
            {one: draft.tensor(self.graph.shapes[one]) for one in values}
            for values in (inputs, outputs)
        )
        nodes = [self.graph.nodes[at] for at in needed(self.graph.nodes, inputs, outputs)]
        self._fill(draft, {one for node in nodes for one in node.outputs}, given, shown)
        draft.plan.inputs, draft.plan.outputs = [*given.values()], [*shown.values()]
        return draft.packed()

    def _fill(
        self, draft: Draft, kept: set[str], given: dict[str, int], shown: dict[str, int]
    ) -> None:
        """Put the instructions that make `kept` into an empty program."""
        for step in self.steps:
            arguments = [
                draft.argument(at, names, given)
                for at, names in zip(step.call.args, step.names, strict=True)
            ]
            if step.delegate is not None:
                graph, args = step.delegate.between(kept, given, shown, arguments.__getitem__)
                if graph["xnodes"]:
                    draft.call_delegate(step.call.delegate_index, graph, args)
            elif kept.intersection(step.nodes[0].outputs):
                draft.call(step.call.op_index, arguments)
            for one in (one for node in step.nodes for one in node.outputs):
                if one in kept and one in shown and one.isdecimal():
                    draft.copy(int(one), shown[one])


def _steps(program: Program, naming: Naming, artifact: Artifact) -> Iterator[Step]:
    """The instructions in their order. Raises BadArtifact where they are not the manifest's."""
    outside = [scope for scope in artifact.scopes if scope.delegate is None]
    calls = [one.instr_args for one in program.plan.chains[0].instructions]
    number = 0
    for call in calls:
        if hasattr(call, "delegate_index"):
            yield _delegate(call, program, naming, artifact, number)
            number += 1
        elif hasattr(call, "op_index"):
            operator = program.plan.operators[call.op_index].name.partition("::")[2]
            scope = outside.pop(0) if outside else None
            if scope is None or scope.operator.partition(".")[0] != operator:
                raise BadArtifact(f"{artifact.path}: its operators are not those of its manifest")
            yield _kernel(call, operator, naming, scope)
        else:
            raise BadOption(f"{artifact.path}: nothing here looks into programs that branch")


def _delegate(call: Any, program: Program, naming: Naming, artifact: Artifact, number: int) -> Step:
    scopes = [scope for scope in artifact.scopes if scope.delegate == number]
    whole = len(scopes) == len(artifact.scopes) and artifact.recipe.precision != "int8"
    graph = program.graphs[call.delegate_index]
    first = len(call.args) - len(graph["output_ids"])
    entering = [naming.known(at) for at in call.args[:first]]
    names = (*entering, *(naming.made(at) for at in call.args[first:]))
    border = [one[0] if one else None for one in names]
    delegate = Delegate(graph, border, call.delegate_index)
    nodes = delegate.nodes(scopes, artifact.path, whole=whole)
    return Step(call, names, tuple(nodes), delegate)


def _kernel(call: Any, operator: str, naming: Naming, scope: Scope) -> Step:
    """A call of a kernel, whose last argument is what it returns."""
    returned = tensors(naming.plan, call.args[-1])
    taken = [at for at in call.args if not set(tensors(naming.plan, at)) & set(returned)]
    entering = {at: naming.known(at) for at in taken}
    names = tuple(entering[at] if at in entering else naming.made(at) for at in call.args)
    inputs = (name for at in taken for name in entering[at] if name is not None)
    outputs = tuple(map(str, returned))
    node = Node(f"{operator} {outputs[0]}", operator, scope.path, tuple(inputs), outputs)
    return Step(call, names, (node,))


EDITOR: type[Editor] = ExecuTorchEditor
