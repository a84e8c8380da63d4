"""One block of an artifact, cut out of it and run on PyTorch's own input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attnbench.graphs import Content
from attnbench.graphs.boundaries import Boundary
from attnbench.graphs.layouts import Layout, layouts
from attnbench.parity.cases import Expected
from attnbench.parity.limits import Limits
from attnbench.parity.metrics import Array, max_error
from attnbench.pipeline.inside import Call
from attnbench.pipeline.probe import Probe, run, worst
from attnbench.pipeline.rounded_inside import AnyInside
from attnbench.records import Case

ALIKE = 1e-2
"""Up to which share of its range a value that enters is held for the tensor that it is next to."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Which of the tensors that the module is called with enters here, and how it lies."""

    tensor: int
    layout: Layout

    def fed(self, call: Call) -> Array:
        """What the file takes for such a call."""
        return self.layout.write(call.tensors[self.tensor].numpy())


@dataclass(frozen=True, slots=True)
class Alone:
    """
    The block's file, and what it returned, in PyTorch's layout, on each input.

    `entries` say which of the tensors that PyTorch calls the block with the file takes, and how;
    `output` is how it returns its own. `case` is the worst.
    """

    content: Content
    entries: tuple[Entry, ...]
    output: Layout
    calls: tuple[Call, ...]
    expected: tuple[Expected, ...]
    got: tuple[Array, ...]
    case: Case

    @property
    def worst(self) -> int:
        """Which of the inputs `case` is of."""
        return [one.name for one in self.expected].index(self.case.input)


def alone(place: Boundary, probe: Probe, inside: AnyInside, limits: Limits) -> Alone | None:
    """The block by itself; None if what enters it is none of what PyTorch calls it with."""
    calls = inside.calls(place.block.path)
    entries = _entries(place, probe, calls)
    if entries is None:
        return None
    content = probe.editor.cut(place.entries, (place.exit,))
    fed = [[one.fed(call) for one in entries] for call in calls]
    outputs = [made for (made,) in run(probe.artifact.backend, content, fed, probe.device)]
    expected = inside.alone(place.block.path, calls)
    way = layout(probe, place, expected[0], outputs[0])
    got = tuple(map(way.read, outputs))
    case = worst(expected, got, limits)
    return Alone(content, tuple(entries), way, calls, expected, got, case)


def layout(probe: Probe, place: Boundary, expected: Expected, value: Array) -> Layout:
    """How a block's output lies; of two ways that are possible the one that is nearer."""
    last = probe.editor.graph.channels_last
    ways = layouts(value.shape, place.shape, channels_last=last)
    return min(ways, key=lambda way: max_error(expected.single[0], way.read(value)))


def _entries(place: Boundary, probe: Probe, calls: Sequence[Call]) -> list[Entry] | None:
    graph, tensors = probe.editor.graph, calls[0].tensors
    options = [
        [
            Entry(at, way)
            for at, tensor in enumerate(tensors)
            for way in layouts(
                graph.shapes.get(value, ()), tuple(tensor.shape), channels_last=graph.channels_last
            )
        ]
        for value in place.entries
    ]
    if not all(options):
        return None
    if all(len(ways) == 1 for ways in options):
        return [ways[0] for ways in options]
    values = probe.look(place.entries)[0]
    chosen = []
    for value, ways in zip(place.entries, options, strict=True):
        errors = [
            max_error(tensors[way.tensor].numpy(), way.layout.read(values[value])) for way in ways
        ]
        if not min(errors) <= ALIKE:
            return None
        chosen.append(ways[errors.index(min(errors))])
    return chosen
