"""What a model's blocks are on paper: parameters, multiply-accumulates, bytes that are moved."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch.export import ExportedProgram
from torch.fx import Node

from attnbench.attribution.places import ROOT, block_of
from attnbench.pipeline.reference import example_for, reference_of, trace
from attnbench.records import Artifact, Block
from attnbench.records.costs import Footprint
from attnbench.rewrites.base import path_of
from attnbench_models import Cost, count

NUMBER_BYTES = {"fp32": 4, "fp16": 2, "int8": 1}

POINTWISE = frozenset(
    f"aten.{name}.default"
    for name in ("batch_norm", "dropout", "relu6", "hardswish", "hardsigmoid", "silu", "gelu")
)
"""Elementwise in a model that is evaluated, and not marked so by torch."""


def footprints(artifact: Artifact) -> tuple[Footprint, ...]:
    """
    One for each block of the artifact, in its order, each without the blocks inside; then path "".

    A module that only this export has listed has none. They are those of the module, in numbers of
    the artifact's precision: every runtime has to do as much, whatever its converter made of it.
    """
    module = reference_of(artifact)
    example = example_for(artifact.recipe, module)
    counted = {one.path: one for one in count(module, *example)}
    moved = Moved.of(trace(module, example), artifact.blocks, artifact.recipe.precision)
    total = counted.pop(ROOT)
    whole = Footprint(
        ROOT, "backbone", total.parameters, total.macs, sum(moved.traffic.values()), moved.most
    )
    known = [block for block in artifact.blocks if block.path in counted]
    return (*(_footprint(block, counted, moved) for block in known), whole)


def _footprint(block: Block, counted: Mapping[str, Cost], moved: Moved) -> Footprint:
    cost = counted[block.path]
    return Footprint(
        block.path,
        block.kind,
        cost.parameters,
        cost.macs,
        moved.traffic[block.path],
        moved.peak.get(block.path, 0),
    )


@dataclass(frozen=True, slots=True)
class Moved:
    """Bytes read and written by each block, and the most that was alive in it and at all."""

    traffic: Counter[str]
    peak: dict[str, int]
    most: int

    @classmethod
    def of(cls, program: ExportedProgram, blocks: Sequence[Block], precision: str) -> Moved:
        """
        Walk the graph in its order.

        A tensor lives from the operator that makes it to the last one that reads it, through all
        views of it. Elementwise work is done in place where its input ends there; where that is its
        only tensor and of nobody else's, it is fused into what made it and moves nothing.
        """
        graph = _Graph.of(program, NUMBER_BYTES.get(precision, NUMBER_BYTES["fp32"]))
        traffic: Counter[str] = Counter()
        peak: dict[str, int] = {}
        alive = {name: graph.bytes[name] for name in graph.inputs}
        most = sum(alive.values())
        for at, node in enumerate(graph.work):
            path = block_of(path_of(node), blocks).block or ROOT
            ending = {name for name in graph.reads[at] if graph.last[name] == at}
            made = graph.bytes[node.name]
            in_place = _elementwise(node) and any(
                alive.get(name) == made for name in ending - graph.weights
            )
            if not graph.fused(at):
                traffic[path] += graph.read_bytes[at] + made
            alive[node.name] = made
            now = sum(alive.values()) - (made if in_place else 0)
            peak[path], most = max(peak.get(path, 0), now), max(most, now)
            for name in ending | ({node.name} - graph.last.keys()):
                alive.pop(name, None)
        return cls(traffic, peak, most)


@dataclass(frozen=True, slots=True)
class _Graph:
    """
    The operators that compute, what each reads, and where each tensor is read last.

    Tensors go by the name of what made them: a view is its source. `read_bytes` are those of the
    views, since an operator may read a part.
    """

    work: tuple[Node, ...]
    reads: tuple[tuple[str, ...], ...]
    read_bytes: tuple[int, ...]
    bytes: dict[str, int]
    last: dict[str, int]
    inputs: frozenset[str]
    weights: frozenset[str]

    @classmethod
    def of(cls, program: ExportedProgram, number_bytes: int) -> _Graph:
        inputs = frozenset(map(str, program.graph_signature.user_inputs))
        source: dict[str, str] = {}
        work, reads, read_bytes = [], [], []
        sizes: dict[str, int] = {}
        for node in program.graph.nodes:
            given = {one.name: source[one.name] for one in node.all_input_nodes}
            if node.op == "call_function" and not _is_view(node):
                work.append(node)
                reads.append(tuple(given.values()))
                # A view is at most its source: expanding a tensor makes no more of it.
                read_bytes.append(sum(min(sizes[one], sizes[of]) for one, of in given.items()))
            source[node.name] = next(iter(given.values())) if _is_view(node) else node.name
            sizes[node.name] = _bytes(node, number_bytes)
        last = {name: at for at, names in enumerate(reads) for name in names}
        outputs = next(iter(program.graph.find_nodes(op="output"))).all_input_nodes
        last |= {source[one.name]: len(work) for one in outputs}
        weights = {one.name for one in program.graph.find_nodes(op="placeholder")} - inputs
        return cls(
            tuple(work), tuple(reads), tuple(read_bytes), sizes, last, inputs, frozenset(weights)
        )

    def fused(self, at: int) -> bool:
        """Whether an operator is done along with the one that made its only tensor."""
        tensors = set(self.reads[at]) - self.weights
        if not _elementwise(self.work[at]) or len(tensors) != 1:
            return False
        (name,) = tensors
        readers = sum(name in names for names in self.reads)
        return name not in self.inputs and readers == 1 and self.last[name] == at


def _elementwise(node: Node) -> bool:
    tags: Iterable[object] = getattr(node.target, "tags", ())
    return torch.Tag.pointwise in tags or str(node.target) in POINTWISE


def _is_view(node: Node) -> bool:
    """Whether it moves nothing: its result is its first argument's memory, as it was."""
    if node.target is operator.getitem:
        return True
    returns = getattr(getattr(node.target, "_schema", None), "returns", ())
    return any(one.alias_info and not one.alias_info.is_write for one in returns)


def _bytes(node: Node, number_bytes: int) -> int:
    return sum(
        one.numel() * (number_bytes if one.is_floating_point() else one.element_size())
        for one in _tensors(node.meta.get("val"))
    )


def _tensors(value: object) -> Iterator[torch.Tensor]:
    values = value if isinstance(value, list | tuple) else [value]
    return (one for one in values if isinstance(one, torch.Tensor))
