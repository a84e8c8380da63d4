"""An artifact, looked into: the file with further outputs, on a device."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attnbench.backends import format_of
from attnbench.devices import Device
from attnbench.graphs import Content, Editor, put
from attnbench.parity.cases import Expected
from attnbench.parity.judge import distances
from attnbench.parity.limits import Limits
from attnbench.parity.metrics import Array, max_error
from attnbench.pipeline.computed import outputs_of, outputs_of_file
from attnbench.records import Artifact, Case

Outputs = list[list[Array]]


@dataclass(slots=True)
class Probe:
    """
    What is inside of an artifact on some inputs.

    `plain` are the outputs of the artifact itself. `count` is how many edited files ran, `moved`
    by how much their outputs differed from the artifact's at most, as a share of the range.
    """

    artifact: Artifact
    editor: Editor
    device: Device
    inputs: tuple[Sequence[Array], ...]
    plain: Outputs
    count: int = 0
    moved: float = 0.0

    @classmethod
    def of(
        cls, artifact: Artifact, editor: Editor, device: Device, inputs: Sequence[Sequence[Array]]
    ) -> Probe:
        """After a run of the artifact as it is."""
        plain = outputs_of(artifact, inputs, device)
        return cls(artifact, editor, device, tuple(inputs), plain)

    def look(self, values: Sequence[str]) -> list[dict[str, Array]]:
        """The values of the graph by name on each input, from one edited file."""
        graph = self.editor.graph
        entering = [dict(zip(graph.inputs, arrays, strict=True)) for arrays in self.inputs]
        known = {*graph.inputs, *graph.outputs}
        more = [value for value in dict.fromkeys(values) if value not in known]
        got = run(self.artifact.backend, self.editor.observed(more), self.inputs, self.device)
        self.count += 1
        own = len(graph.outputs)
        for plain, outputs in zip(self.plain, got, strict=True):
            self.moved = max(self.moved, *map(distance, plain, outputs[:own]))
        names = (*graph.outputs, *more)
        pairs = zip(entering, got, strict=True)
        return [inputs | dict(zip(names, outputs, strict=True)) for inputs, outputs in pairs]


def run(
    backend: str, content: Content, inputs: Sequence[Sequence[Array]], device: Device
) -> Outputs:
    """The outputs of a file with that content on each set of inputs."""
    kind = format_of(backend)
    with tempfile.TemporaryDirectory(prefix="attnbench-") as folder:
        path = Path(folder, f"edited{kind.suffix}")
        put(path, content)
        return outputs_of_file(kind, path, inputs, device)


def distance(one: Array, other: Array) -> float:
    """The largest difference as a share of the range; 0 if every bit is the same."""
    if np.array_equal(one, other, equal_nan=np.issubdtype(one.dtype, np.floating)):
        return 0.0
    found = max_error(one, other)
    return math.inf if math.isnan(found) else found


def worst(expected: Sequence[Expected], got: Sequence[Array], limits: Limits) -> Case:
    """Of a tensor on several inputs the case that fails by most, or is nearest to its limit."""
    pairs = zip(expected, got, strict=True)
    return max((_case(one, array, limits) for one, array in pairs), key=badness)


def _case(expected: Expected, got: Array, limits: Limits) -> Case:
    """The first metric that fails, or else the largest error."""
    cases = tuple(distances(expected, 0, got, limits))
    return next((case for case in cases if not case.passed), cases[0])


def badness(case: Case) -> tuple[bool, float]:
    """What orders cases: the worst is the largest."""
    if case.value is None:
        return True, math.inf
    ratio = case.value / case.limit if case.better == "lower" else case.limit - case.value
    return not case.passed, ratio
