"""What goes through the blocks of the reference where its numbers are rounded: fp16 and int8."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node

from attnbench.parity.cases import Expected
from attnbench.parity.metrics import Array
from attnbench.pipeline.inside import Call, Inputs, Inside
from attnbench.pipeline.reference import reference_of
from attnbench.pipeline.rounded import RoundedReference
from attnbench.quantise.simulated import Rounding, Simulation, exits
from attnbench.records import Artifact, is_inside
from attnbench.rewrites.base import path_of, shape_of

CALL, CONSTANT = "call_function", "get_attr"

Values = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class RoundedInside:
    """
    The rounded reference on these inputs; a block of it is what the graph calls in a module.

    What is expected is what the block returns in the artifact's rounding, and beside it in the
    others that say what rounding may do there. `single` is the module in float32.
    """

    single: nn.Module
    reference: RoundedReference
    inputs: Inputs

    @classmethod
    def of(cls, module: nn.Module, artifact: Artifact, inputs: Inputs) -> RoundedInside:
        """The module, rounded as the artifact is, on these inputs."""
        return cls(module, RoundedReference.of(module, artifact), inputs)

    @property
    def program(self) -> GraphModule:
        """The graph that was exported."""
        return self.reference.program

    def shapes(self, paths: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """Of the outputs of the blocks that tensors of numbers enter, and that one leaves."""
        nodes = {node.name: node for node in self.program.graph.nodes}
        found = {path: nodes[name] for path, name in exits(self.program, paths).items()}
        return {
            path: shape_of(node)
            for path, node in found.items()
            if all(map(_is_number, (node, *self._entering(path))))
        }

    def outputs(self, paths: Sequence[str]) -> Iterator[dict[str, Expected]]:
        """See Inside."""
        names = exits(self.program, paths)
        for name, arrays in self.inputs.items():
            runs = [self._seen(arrays, one, names.values()) for one in self._roundings()]
            yield {path: _expected(name, [run[names[path]] for run in runs]) for path in paths}

    def calls(self, path: str) -> tuple[Call, ...]:
        """What enters a block on each input, and what it returns."""
        entering, leaving = [node.name for node in self._entering(path)], self._exit(path)
        names, found = (*entering, leaving), []
        for arrays in self.inputs.values():
            seen = self._seen(arrays, self.reference.rounding, names)
            found.append(Call(tuple(seen[name] for name in entering), {}, seen[leaving]))
        return tuple(found)

    def alone(self, path: str, calls: Iterable[Call]) -> tuple[Expected, ...]:
        """What a block returns of the same numbers in each rounding."""
        leaving, pairs = self._exit(path), zip(self.inputs, calls, strict=True)
        return tuple(
            _expected(name, [run[leaving] for run in self._runs(path, call)])
            for name, call in pairs
        )

    def values(self, path: str, call: Call) -> list[Expected]:
        """What is computed in a block of these numbers, in its order."""
        first, *others = self._runs(path, call)
        return [_expected(name, [run[name] for run in (first, *others)]) for name in first]

    def _roundings(self) -> tuple[Rounding, ...]:
        """The artifact's, and those that say what rounding may do."""
        return (self.reference.rounding, *self.reference.others())

    def _seen(self, arrays: Sequence[Array], rounding: Rounding, names: Collection[str]) -> Values:
        """These values in a run of the whole."""
        simulation = Simulation(self.program, rounding, names)
        with torch.inference_mode():
            simulation.run(*map(torch.from_numpy, arrays))
        return simulation.seen

    def _runs(self, path: str, call: Call) -> list[Values]:
        return [self._part(path, call, one) for one in self._roundings()]

    def _part(self, path: str, call: Call, rounding: Rounding) -> Values:
        """All values of a block that is run alone."""
        part, found = Simulation(self.program, rounding), {}
        entering = (one.clone() for one in call.args)  # the block may write into them
        part.env = dict(zip(self._entering(path), entering, strict=True))
        with torch.inference_mode():
            for node in self.program.graph.nodes:
                if is_inside(path_of(node), path) or _is_read_in(node, path):
                    part.env[node] = part.run_node(node)
                    if node.op == CALL and _is_number(node):
                        found[node.name] = part.env[node].clone()
        return found

    def _entering(self, path: str) -> list[Node]:
        """What a block reads that it does not make; constants are its own."""
        inside = [node for node in self.program.graph.nodes if is_inside(path_of(node), path)]
        read = dict.fromkeys(source for node in inside for source in node.all_input_nodes)
        return [one for one in read if one.op != CONSTANT and one not in inside]

    def _exit(self, path: str) -> str:
        return exits(self.program, [path])[path]


AnyInside = Inside | RoundedInside


def inside_of(artifact: Artifact, inputs: Inputs) -> AnyInside:
    """What an artifact's blocks are held to on these inputs."""
    module = reference_of(artifact)
    if artifact.recipe.precision == "fp32":
        return Inside.of(module, inputs)
    return RoundedInside.of(module, artifact, inputs)


def _expected(name: str, values: Sequence[Tensor]) -> Expected:
    single, double, *others = (one.numpy() for one in values)
    return Expected(name, (single,), (double,), reordered=tuple(others))


def _is_read_in(node: Node, path: str) -> bool:
    """Whether it is a constant that a block reads."""
    return node.op == CONSTANT and any(is_inside(path_of(user), path) for user in node.users)


def _is_number(node: Node) -> bool:
    value = node.meta.get("val")
    return isinstance(value, Tensor) and value.is_floating_point()
